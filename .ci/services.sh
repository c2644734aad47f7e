# Sourced by .ci/run: starts Debian's PostgreSQL, Redis and RabbitMQ on loopback, away from their usual ports, and stops them.
# Each start_* function sets the variable that the portal reads.

SERVICES_DIR=""
SERVICE_PIDS=()
export SERVICES_DIR

# As root each server runs as the user that its package made; PostgreSQL refuses root.
as_user() {
  local user=$1
  shift
  AS_USER=(env HOME="$SERVICES_DIR/$user")
  [ "$(id -u)" != 0 ] || AS_USER=(setpriv --reuid "$user" --regid "$user" --init-groups "${AS_USER[@]}")
  "${AS_USER[@]}" "$@"
}

# The same in the background, in a session of its own, so that one signal reaches the server and its children.
serve_as_user() {
  local log=$1
  shift
  (exec setsid bash -c "$(declare -f as_user); as_user \"\$@\"" serve "$@") > "$SERVICES_DIR/$log.log" 2>&1 &
  SERVICE_PIDS+=($!)
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
  serve_as_user postgres postgres "$binaries/postgres" -D "$folder" -p 15432 -c listen_addresses=127.0.0.1 \
    -c unix_socket_directories= -c fsync=off
  wait_until PostgreSQL "$binaries/pg_isready" -h 127.0.0.1 -p 15432
  # As docs/production.md says it: an owner that is no superuser, and the application beside it.
  PGPASSWORD=ci "$binaries/psql" -q -h 127.0.0.1 -p 15432 -U ci -d postgres -v ON_ERROR_STOP=1 <<'SQL'
CREATE ROLE studyportal_owner LOGIN CREATEDB PASSWORD 'owner';
CREATE ROLE studyportal_every_site NOLOGIN NOINHERIT;
CREATE ROLE studyportal_app LOGIN NOINHERIT PASSWORD 'app';
GRANT studyportal_every_site TO studyportal_app;
CREATE DATABASE studyportal OWNER studyportal_owner;
-- For tests alone: they empty tables that nobody may empty.
GRANT SET ON PARAMETER session_replication_role TO studyportal_owner;
SQL
  export DATABASE_URL=postgres://studyportal_app:app@127.0.0.1:15432/studyportal
  export DATABASE_OWNER_URL=postgres://studyportal_owner:owner@127.0.0.1:15432/studyportal
}

start_redis() {
  service_folder redis
  serve_as_user redis redis redis-server --port 16379 --bind 127.0.0.1 --save "" --appendonly no --dir "$SERVICES_DIR/redis"
  wait_until Redis redis-cli -p 16379 ping
  export CELERY_BROKER_URL=redis://127.0.0.1:16379/0
}

start_rabbitmq() {
  service_folder rabbitmq
  local folder=$SERVICES_DIR/rabbitmq sbin
  sbin=$(ls -d /usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin | sort -V | tail -n 1)
  serve_as_user epmd rabbitmq epmd -address 127.0.0.1 -port 14369
  serve_as_user rabbitmq rabbitmq ERL_EPMD_PORT=14369 RABBITMQ_NODENAME=ci@localhost RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT=15673 \
    RABBITMQ_DIST_PORT=15674 RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}" \
    RABBITMQ_MNESIA_BASE="$folder/mnesia" RABBITMQ_LOG_BASE="$folder/log" RABBITMQ_PID_FILE="$folder/pid" \
    RABBITMQ_CONFIG_FILE="$folder/rabbitmq" RABBITMQ_ENABLED_PLUGINS_FILE="$folder/plugins" RABBITMQ_CONF_ENV_FILE="$folder/env" \
    "$sbin/rabbitmq-server"
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
  local pid tries
  for pid in "${SERVICE_PIDS[@]}"; do kill -TERM -- "-$pid" 2>/dev/null || true; done
  for pid in "${SERVICE_PIDS[@]}"; do
    for tries in $(seq 1 100); do
      kill -0 -- "-$pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL -- "-$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  SERVICE_PIDS=()
  [ -z "$SERVICES_DIR" ] || rm -rf "$SERVICES_DIR"
  SERVICES_DIR=""
  unset DATABASE_URL DATABASE_OWNER_URL CELERY_BROKER_URL
}
