"""Plays a transcript against the pure subscription and checks every line of it.

    == connect            also: drop, fetch A x, ask K x
    >> A #1 x=1 -y        a response comes in: its nonce, resources with versions, removed names
    >> A #1 x=1 ! why     the same, and the service refuses it with these words
    << A +x -y ack #1     a request goes out; `held:x=1` are initial versions, `first` has the node
    -- take A x=1 -y      what the service is to take in
    -- found A x          how a fetch ends; also: missing A x

The types A and B are subscribed to whole, K is not. Nothing may come out that is not written.
"""

from serving.bundle import Resource
from serving.service import Update
from serving.subscription import Request, Response, Step, Subscription, subscription


def play(text: str) -> Subscription:
    state = subscription(("A", "B"))
    said: list[str] = []
    expected = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    for line in expected:
        kind, _, rest = line.partition(" ")
        if kind == "==":
            step = _wish(state, rest.split())
            said += [line, *_shown(step, rest.split()[1:2])]
            state = step.after
        elif kind == ">>":
            words, _, why = rest.partition(" ! ")
            told = _response(words.split())
            update = state.update(told)
            step = state.answer(told, why or None)
            said += [line, *_taken(update), *_shown(step, [told.type_url])]
            state = step.after
    assert said == expected
    return state


def known(state: Subscription, type_url: str) -> dict[str, str]:
    return {n: r.version for n, r in state.holding[type_url].items()}


def _wish(state: Subscription, words: list[str]) -> Step:
    match words:
        case ["connect"]:
            return state.connect()
        case ["drop"]:
            return state.disconnect()
        case ["fetch", type_url, name]:
            return state.fetch(type_url, name)
        case ["ask", type_url, name]:
            return state.ask(type_url, name)
    raise AssertionError(words)


def _response(words: list[str]) -> Response:
    there = dict(w.split("=") for w in words[2:] if "=" in w)
    return Response(
        type_url=words[0],
        nonce=words[1].removeprefix("#"),
        resources={n: Resource(version=v, body=f"{n} {v}".encode()) for n, v in there.items()},
        removed=tuple(w[1:] for w in words[2:] if w.startswith("-")),
    )


def _taken(update: Update | None) -> list[str]:
    if update is None:
        return []
    there = [body.decode().replace(" ", "=") for body in update.changed.values()]
    gone = [f"-{n}" for n in sorted(update.removed)]
    return [" ".join(["-- take", update.type_url, *there, *gone])]


def _shown(step: Step, types: list[str]) -> list[str]:
    ends = [
        f"-- {'found' if there else 'missing'} {types[0]} {name}"
        for name, there in sorted(step.resolved.items())
    ]
    return [*(f"<< {_words(r)}" for r in step.requests), *ends]


def _words(request: Request) -> str:
    words = [request.type_url]
    words += [f"+{n}" for n in request.subscribe] + [f"-{n}" for n in request.unsubscribe]
    words += [f"held:{n}={v}" for n, v in request.initial.items()]
    if request.first:
        words.append("first")
    if request.nonce:
        words.append(f"{'ack' if request.error is None else 'nack'} #{request.nonce}")
    if request.error is not None:
        words.append(request.error)
    return " ".join(words)
