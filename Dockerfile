# The server: any role, chosen by FASTIM_ROLE. Built from a checkout: docker build -t fastim-server:0.1.0 .
FROM node:24-bookworm-slim AS build
WORKDIR /fastim
COPY . .
RUN npm ci --no-audit --no-fund && npm run --silent build && npm prune --omit=dev --no-audit --no-fund

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /fastim
COPY --from=build --chown=root:root /fastim/package.json ./
COPY --from=build --chown=root:root /fastim/node_modules ./node_modules
COPY --from=build --chown=root:root /fastim/packages ./packages
COPY --from=build --chown=root:root /fastim/apps/server ./apps/server
RUN install -d -o node -g node /data
USER node
ENV FASTIM_DATA=/data
VOLUME /data
ENTRYPOINT ["node", "--enable-source-maps", "apps/server/dist/main.js"]
