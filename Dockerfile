# syntax=docker/dockerfile:1
# docker build -t ebm-service .                                   CPU
# docker build -t ebm-service --build-arg TORCH_BACKEND=cuda .    NVIDIA (gigabytes of CUDA libraries)

FROM --platform=linux/amd64 mcr.microsoft.com/dotnet/sdk:10.0 AS build
ARG TORCH_BACKEND=cpu
WORKDIR /source
COPY . .
# With the runtime identifier only the native files of this platform are published.
RUN --mount=type=cache,target=/root/.nuget/packages \
    dotnet publish src/EbmService.Api -c Release -r linux-x64 --self-contained false \
    -p:TorchBackend=${TORCH_BACKEND} -o /app \
    && chmod -R a+rX /app

FROM --platform=linux/amd64 mcr.microsoft.com/dotnet/aspnet:10.0
WORKDIR /app
COPY --from=build /app .
COPY --chmod=755 deploy/healthcheck.sh /usr/local/bin/healthcheck
# The image's own unprivileged user; a new volume takes over the owner of this folder.
RUN mkdir /data && chown "$APP_UID:$APP_UID" /data
USER $APP_UID
VOLUME /data
EXPOSE 8080
# A container must listen on all its addresses to be reached at all, and the service refuses that without
# authentication: whoever publishes the port decides who reaches it and says so, see docker-compose.yml.
ENV ASPNETCORE_URLS=http://+:8080 \
    Storage__DataPath=/data
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["healthcheck", "8080"]
ENTRYPOINT ["dotnet", "EbmService.Api.dll"]
