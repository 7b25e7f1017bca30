#!/bin/bash
# Succeeds when GET /health/ready answers 200. The runtime image has bash and neither curl nor wget.
# usage: healthcheck [port]
exec 3<>"/dev/tcp/127.0.0.1/${1:-8080}" || exit 1
printf 'GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
read -r -t 4 _ status _ <&3
[ "$status" = 200 ]
