# One image for the API and the worker: docker-compose.yml tells which of the two a container runs.

FROM node:20-bookworm-slim AS build
WORKDIR /app
# First what changes seldom, so that the packages are installed again only when these change.
COPY package.json package-lock.json .npmrc ./
# Optional are a PostgreSQL (here DATABASE_URL names another) and native parts that nothing here needs.
RUN npm ci --include=dev --omit=optional --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY worker ./worker
RUN npm run build
RUN npm prune --omit=dev --omit=optional --no-audit --no-fund

FROM node:20-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
# A volume that is mounted here begins with this owner.
RUN mkdir -p /var/lib/stateward/artifacts && chown -R node:node /var/lib/stateward
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
ENV STATEWARD_DATA_FOLDER=/var/lib/stateward
USER node
EXPOSE 4000
# Of the API; a container that runs the worker (node dist/worker/main.js) turns it off.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.STATEWARD_PORT || 4000) + '/readyz').then((reply) => process.exit(reply.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/src/main.js"]
