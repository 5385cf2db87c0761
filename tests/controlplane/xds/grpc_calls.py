"""A process that calls `xds:///service` all the time, by gRPC's own xDS client.

It writes a line for each answer that differs from the last, and one for each call that fails:
`a`, `b`, `! UNAVAILABLE ...`. When its standard input ends, it writes how many calls there were.
"""

import sys
import threading

import grpc


def main() -> None:
    ended = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    calls = 0
    last = ""
    with grpc.insecure_channel("xds:///service") as channel:
        name: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/test.Backend/Name")
        while not ended.is_set():
            try:
                answer: str = name(b"", timeout=20, wait_for_ready=not calls).decode()
            except grpc.RpcError as error:
                answer = f"! {error.code().name} {error.details()}"
            calls += 1
            if answer != last or answer.startswith("!"):
                sys.stdout.write(f"{answer}\n")
                sys.stdout.flush()
            last = answer
    sys.stdout.write(f"{calls}\n")


if __name__ == "__main__":
    main()
