# Holdpoint: one image for every role; `docker-compose.yml` assigns the roles.
FROM node:22-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
COPY packages/client/package.json ./packages/client/
RUN npm ci --no-audit --no-fund
COPY LICENSE tsconfig.json tsconfig.build.json ./
COPY scripts ./scripts
COPY tools ./tools
COPY src ./src
RUN node scripts/build.mjs && npm prune --omit=dev --no-audit --no-fund

FROM node:22-bookworm-slim
ENV NODE_ENV=production NODE_OPTIONS=--enable-source-maps
WORKDIR /app
# Owned by root and not writable by the user that runs it; the root file system may be mounted read-only.
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
# For the last checkpoint, writable by any user of the container.
RUN install -d -m 1777 /var/lib/holdpoint
USER node
EXPOSE 8080
ENTRYPOINT ["node", "/app/dist/cli/main.js"]
