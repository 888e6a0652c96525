import '@fastify/swagger-ui/static/swagger-ui.css';
import SwaggerUIBundle from '@fastify/swagger-ui/static/swagger-ui-bundle.js';

/** The page at `/docs`: Swagger UI over `/openapi.json`, for reading. It validates nothing elsewhere and sends no calls. */
SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#docs',
  validatorUrl: null,
  supportedSubmitMethods: [],
  deepLinking: true,
});
