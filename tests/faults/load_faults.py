# SPDX-License-Identifier: Apache-2.0
"""Servers that are killed, taken over, or cut off while they are sent events by HTTP, files and Kafka."""

import itertools
import pathlib
import random
import signal
import socket
import socketserver
import threading
import time

import mock_kafka
from events import Oracle, Tally
from server import PATIENCE_S, TAKEN_OVER, Sender, Server, put_file

SENDERS = 4


class Feeds(threading.Thread):
    """Files and messages, beside the senders, until it is told to end."""

    def __init__(self, server: Server, oracle: Oracle, kafka: mock_kafka.Kafka | None) -> None:
        super().__init__(daemon=True)
        self.server, self.oracle, self.kafka, self.ending = server, oracle, kafka, threading.Event()
        self.start()

    def run(self) -> None:
        for number in itertools.count():
            if number % 10 == 0:
                put_file(self.server, self.oracle, f"f{number}", 20)
            if self.kafka:
                ids = self.oracle.make("k", 10)
                self.kafka.produce([self.oracle.lines[name] for name in ids])
                self.oracle.promise(ids)
            if self.ending.wait(0.05):
                return


def under_load(tally: Tally, folder: pathlib.Path, disturb, kafka: mock_kafka.Kafka | None = None) -> None:
    """All three feeds while `disturb(server, senders)` does its work; then what is there is compared with what was sent."""
    server, oracle = Server(folder, kafka and kafka.bootstrap), Oracle()
    server.run_on()
    senders = [Sender(f"s{i}", server, oracle) for i in range(SENDERS)]
    feeds = Feeds(server, oracle, kafka)
    disturb(server, senders)
    feeds.ending.set()
    feeds.join()
    for sender in senders:
        sender.ending.set()
    for sender in senders:
        sender.end(tally)
    server.settle(oracle, tally)
    found = oracle.compare(server.data, tally)
    if found.counted("http")["duplicate"] + found.counted("files")["duplicate"] > 0:
        tally.alter("what had been taken was read again")


def kill(tally: Tally, folder: pathlib.Path, rounds: int, luck: random.Random) -> None:
    kafka = mock_kafka.Kafka()

    def disturb(server: Server, _: list[Sender]) -> None:
        for _ in range(rounds):
            time.sleep(luck.uniform(0.005, 1.5))
            server.stop(signal.SIGKILL)
            server.run_on()
            tally.rounds += 1

    under_load(tally, folder, disturb, kafka)
    kafka.close()


def brokers(tally: Tally, folder: pathlib.Path, rounds: int, luck: random.Random) -> None:
    kafka = mock_kafka.Kafka(brokers=3)

    def disturb(server: Server, _: list[Sender]) -> None:
        for _ in range(rounds):
            kafka.cut_offset_commits(3)
            kafka.restart(luck.randint(1, 3), luck.uniform(0.05, 1.0))
            time.sleep(luck.uniform(0.2, 0.6))
            tally.rounds += 1

    under_load(tally, folder, disturb, kafka)
    kafka.close()


def standby(tally: Tally, folder: pathlib.Path, rounds: int, luck: random.Random) -> None:
    def disturb(server: Server, _: list[Sender]) -> None:
        for _ in range(rounds):
            first = server.process
            if not server.start("--standby", until="standby: "):
                tally.alter(f"no standby: {server.said}")
                server.run_on()
                continue
            time.sleep(luck.uniform(0.1, 0.8))
            first.kill()
            first.wait()
            if not server.wait_for_said("events on port"):
                tally.alter(f"the standby does not go on: {server.said}")
            tally.rounds += 1

    under_load(tally, folder, disturb)


def zombie(tally: Tally, folder: pathlib.Path, rounds: int, luck: random.Random) -> None:
    """A server is stopped, another takes over, and the first goes on, with requests on the way to it: it may acknowledge none of them."""

    def wake(server: Server, late: object, port: int, oracle: Oracle) -> None:
        class ToTheLate(Sender):
            def port(self) -> int:
                return port

        callers = [ToTheLate(f"z{tally.rounds}-{i}", server, oracle) for i in range(SENDERS)]
        time.sleep(0.1)  # their requests wait in the socket of the one that is stopped
        late.send_signal(signal.SIGCONT)
        try:
            code = late.wait(PATIENCE_S)
        except TimeoutError:
            late.kill()
            code = None
        if code != TAKEN_OVER:
            tally.alter(f"the late writer has ended with {code}, not {TAKEN_OVER}")
        port = server.port  # what it has not acknowledged is repeated to the one that serves
        for caller in callers:
            caller.ending.set()
        for caller in callers:
            caller.end(tally)

    def disturb(server: Server, senders: list[Sender]) -> None:
        for _ in range(rounds):
            time.sleep(luck.uniform(0.05, 0.5))
            late, port = server.process, server.port
            late.send_signal(signal.SIGSTOP)
            if not server.start("--take-over"):
                raise RuntimeError(f"no take-over: {server.said}")
            wake(server, late, port, senders[0].oracle)
            tally.rounds += 1

    under_load(tally, folder, disturb)


class Forgetful(socketserver.ThreadingTCPServer):
    """Hands requests on, and drops every second answer once the server has given it."""

    daemon_threads, allow_reuse_address = True, True

    def __init__(self, server: Server, luck: random.Random) -> None:
        super().__init__(("127.0.0.1", 0), self.Exchange)
        self.server, self.luck, self.dropped = server, luck, 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    class Exchange(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", self.server.server.port), PATIENCE_S) as onward:
                onward.sendall(whole_message(self.request))
                answer = whole_message(onward)
            if self.server.luck.random() < 0.5:
                self.server.dropped += 1
            else:
                self.request.sendall(answer)


def whole_message(connection: socket.socket) -> bytes:
    """A request or an answer, by its Content-Length."""
    message = b""
    while (end := message.find(b"\r\n\r\n")) < 0:
        message += (piece := connection.recv(65536))
        if not piece:
            raise ConnectionError("it ends within its head")
    lengths = [int(line.split(b":")[1]) for line in message[:end].split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while len(message) < end + 4 + sum(lengths):
        message += (piece := connection.recv(65536))
        if not piece:
            raise ConnectionError("it ends within its body")
    return message


def reply_dropped(tally: Tally, folder: pathlib.Path, rounds: int, luck: random.Random) -> None:
    """A round is an answer that was dropped."""
    server, oracle = Server(folder), Oracle()
    server.run_on()
    proxy = Forgetful(server, luck)

    class ByProxy(Sender):
        def port(self) -> int:
            return proxy.server_address[1]

    senders = [ByProxy(f"s{i}", server, oracle) for i in range(SENDERS)]
    while proxy.dropped < rounds and any(sender.is_alive() for sender in senders):
        time.sleep(0.05)
    for sender in senders:
        sender.ending.set()
    for sender in senders:
        sender.end(tally)
    tally.rounds = proxy.dropped
    proxy.shutdown()
    server.settle(oracle, tally)
    if duplicates := oracle.compare(server.data, tally).counted("http")["duplicate"]:
        tally.alter(f"{duplicates} events of repeated deliveries were read again")
