# syntax=docker/dockerfile:1

FROM node:24-slim AS build
WORKDIR /app
# `npm ci` generates code, so it needs the models and the generator, and is repeated only when one of these changes.
COPY package.json package-lock.json prisma.config.ts ./
COPY examples/apollo/package.json ./examples/apollo/
COPY prisma ./prisma
COPY src/commands/codegen.ts ./src/commands/codegen.ts
RUN npm ci --omit=dev && npm cache clean --force
COPY src ./src

FROM node:24-slim
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4000
# Owned by root and run by another user: the program cannot change its own code.
COPY --from=build /app ./
USER node
EXPOSE 4000
STOPSIGNAL SIGTERM
# A worker by itself serves nothing: give it --no-healthcheck.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["/app/node_modules/.bin/node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/live`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# All roles in one process; `docker run … api` or `worker` for one of them. No npm in between, so signals arrive.
ENTRYPOINT ["/app/node_modules/.bin/node", "src/main.ts"]
