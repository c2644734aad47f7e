# Sourced by .ci/run: starts Debian's PostgreSQL, Redis and RabbitMQ on loopback, away from their usual ports, and stops them.
# Each start_* function sets the variable that the portal reads.

SERVICES_DIR=""
SERVICE_PIDS=()

# PostgreSQL and RabbitMQ refuse to run as root, or want their own user then.
as_user() {
  local user=$1
  shift
  if [ "$(id -u)" = 0 ]; then
    setpriv --reuid "$user" --regid "$user" --init-groups env HOME="$SERVICES_DIR/$user" "$@"
  else
    env HOME="$SERVICES_DIR/$user" "$@"
  fi
}

service_folder() {
  local user=$1
  [ -n "$SERVICES_DIR" ] || { SERVICES_DIR=$(mktemp -d /tmp/studyportal-services-XXXXXX); chmod 755 "$SERVICES_DIR"; }
  mkdir -p "$SERVICES_DIR/$user"
  [ "$(id -u)" != 0 ] || chown "$user" "$SERVICES_DIR/$user"
}

wait_until() {
  local what=$1 tries
  shift
  for tries in $(seq 1 120); do
    if "$@" >/dev/null 2>&1; then return 0; fi
    sleep 0.5
  done
  echo "$what did not start within 60 s" >&2
  return 1
}

start_postgresql() {
  service_folder postgres
  local folder=$SERVICES_DIR/postgres/cluster binaries
  binaries=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
  printf 'ci\n' > "$SERVICES_DIR/password"
  chmod 644 "$SERVICES_DIR/password"
  as_user postgres "$binaries/initdb" -D "$folder" -U ci --pwfile="$SERVICES_DIR/password" -A scram-sha-256 -E UTF8 --locale=C.UTF-8 >/dev/null
  as_user postgres "$binaries/postgres" -D "$folder" -p 15432 -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off \
    > "$SERVICES_DIR/postgres.log" 2>&1 &
  SERVICE_PIDS+=($!)
  wait_until PostgreSQL "$binaries/pg_isready" -h 127.0.0.1 -p 15432
  export DATABASE_URL=postgres://ci:ci@127.0.0.1:15432/postgres
}

start_redis() {
  service_folder redis
  as_user redis redis-server --port 16379 --bind 127.0.0.1 --save "" --appendonly no --dir "$SERVICES_DIR/redis" \
    > "$SERVICES_DIR/redis.log" 2>&1 &
  SERVICE_PIDS+=($!)
  wait_until Redis redis-cli -p 16379 ping
  export CELERY_BROKER_URL=redis://127.0.0.1:16379/0
}

start_rabbitmq() {
  service_folder rabbitmq
  local folder=$SERVICES_DIR/rabbitmq sbin
  sbin=$(ls -d /usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin | sort -V | tail -n 1)
  as_user rabbitmq epmd -address 127.0.0.1 -port 14369 > "$SERVICES_DIR/epmd.log" 2>&1 &
  SERVICE_PIDS+=($!)
  as_user rabbitmq ERL_EPMD_PORT=14369 RABBITMQ_NODENAME=ci@localhost RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT=15673 \
    RABBITMQ_DIST_PORT=15674 RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}" \
    RABBITMQ_MNESIA_BASE="$folder/mnesia" RABBITMQ_LOG_BASE="$folder/log" RABBITMQ_PID_FILE="$folder/pid" \
    RABBITMQ_CONFIG_FILE="$folder/rabbitmq" RABBITMQ_ENABLED_PLUGINS_FILE="$folder/plugins" RABBITMQ_CONF_ENV_FILE="$folder/env" \
    "$sbin/rabbitmq-server" > "$SERVICES_DIR/rabbitmq.log" 2>&1 &
  SERVICE_PIDS+=($!)
  wait_until RabbitMQ rabbitmq_answers
  export CELERY_BROKER_URL=amqp://guest:guest@127.0.0.1:15673//
}

# RabbitMQ opens its port last; the server's side of the handshake begins with a frame of type 1.
rabbitmq_answers() {
  python3 -c '
import socket
with socket.create_connection(("127.0.0.1", 15673), 2) as line:
    line.sendall(b"AMQP\0\0\x09\x01")
    assert line.recv(1) == b"\x01"'
}

stop_services() {
  local pid
  for pid in "${SERVICE_PIDS[@]}"; do kill -INT "$pid" 2>/dev/null || true; done
  # The Erlang machine takes SIGTERM as the order to close its queues; it ignores SIGINT.
  for pid in "${SERVICE_PIDS[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${SERVICE_PIDS[@]}"; do wait "$pid" 2>/dev/null || true; done
  SERVICE_PIDS=()
  [ -z "$SERVICES_DIR" ] || rm -rf "$SERVICES_DIR"
  SERVICES_DIR=""
  unset DATABASE_URL CELERY_BROKER_URL
}
