#!/usr/bin/env python3
"""A proxy on loopback that opens tunnels to this machine, for examples.sh.

Usage: connect_proxy.py LOG [STATUS | silent]
Prints its port. Each CONNECT's header goes to LOG. With a STATUS it answers that and opens no tunnel; `silent` never answers.
"""
import socket
import sys
import threading


def relay(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve(client, log, behaviour):
    header = b""
    while b"\r\n\r\n" not in header:
        data = client.recv(4096)
        if not data:
            return
        header += data
    log.write(header.decode("latin-1").replace("\r", ""))
    log.flush()
    if behaviour == "silent":
        client.recv(1)
        return
    if behaviour:
        client.sendall(f"HTTP/1.1 {behaviour} No\r\nContent-Length: 0\r\n\r\n".encode())
        return
    port = int(header.split()[1].rsplit(b":", 1)[1])
    server = socket.create_connection(("127.0.0.1", port))
    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
    threading.Thread(target=relay, args=(server, client), daemon=True).start()
    relay(client, server)


def main():
    log = open(sys.argv[1], "w", encoding="latin-1")
    behaviour = sys.argv[2] if len(sys.argv) > 2 else ""
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, log, behaviour), daemon=True).start()


main()
