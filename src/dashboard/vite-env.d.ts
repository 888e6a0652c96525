declare module '*.css';
declare module '@fastify/swagger-ui/static/swagger-ui-bundle.js' {
  export default function SwaggerUIBundle(options: Readonly<Record<string, unknown>>): void;
}
