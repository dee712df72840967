# A local nginx that responds to every create with the same token, over plain HTTP and TLS. To be sourced.
# shellcheck shell=bash disable=SC2034 # what it leaves is for whoever sources it
#
#   start_nginx DIRECTORY CORE   leaves $nginx, $plain_url, $tls_url and $ca_file

response=$(cat "$(dirname "${BASH_SOURCE[0]}")/create_response.json")

make_certificate() { # directory
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
        -subj "/CN=cloudflare-access bench" -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" \
        -keyout "$1/key.pem" -out "$1/ca.pem" 2>/dev/null
}

write_configuration() { # directory, plain port, TLS port
    cat >"$1/nginx.conf" <<END
daemon off;
master_process off;
pid $1/nginx.pid;
error_log stderr crit;
events { worker_connections 4096; }
http {
    access_log off;
    client_body_temp_path $1/body;
    proxy_temp_path $1/proxy;
    fastcgi_temp_path $1/fastcgi;
    uwsgi_temp_path $1/uwsgi;
    scgi_temp_path $1/scgi;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    tcp_nodelay on;
    server {
        listen 127.0.0.1:$2 backlog=4096;
        listen 127.0.0.1:$3 ssl backlog=4096;
        ssl_certificate $1/ca.pem;
        ssl_certificate_key $1/key.pem;
        ssl_protocols TLSv1.2 TLSv1.3;
        location / {
            default_type "application/json; charset=UTF-8";
            add_header CF-RAY a23c92d51bc8a952-DTW;
            add_header cf-auditlog-id 01952a70-d78b-7d73-8f3c-000000000000;
            add_header api-version 2026-09-26.epoch;
            add_header cf-cache-status DYNAMIC;
            add_header Ratelimit '"default";r=1199;t=1';
            add_header Ratelimit-Policy '"default";q=1200;w=300';
            return 201 '$response';
        }
    }
}
END
}

start_nginx() { # directory, core
    local program try port
    program=$(PATH=$PATH:/usr/sbin command -v nginx) || {
        echo "nginx is missing: install nginx-light" >&2
        return 1
    }
    make_certificate "$1"
    for try in 1 2 3 4 5 6 7 8 9 10; do
        port=$((20000 + RANDOM % 6000 * 2))
        write_configuration "$1" "$port" $((port + 1))
        taskset -c "$2" "$program" -p "$1" -c "$1/nginx.conf" 2>"$1/nginx.log" &
        nginx=$!
        for _ in 1 2 3 4 5 6 7 8 9 10; do
            sleep 0.1
            kill -0 "$nginx" 2>/dev/null || continue 2
            (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || continue
            plain_url=http://127.0.0.1:$port/client/v4
            tls_url=https://127.0.0.1:$((port + 1))/client/v4
            ca_file=$1/ca.pem
            return 0
        done
        kill "$nginx" 2>/dev/null
    done
    echo "nginx does not start after $try tries:" >&2
    cat "$1/nginx.log" >&2
    return 1
}
