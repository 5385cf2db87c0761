"""`foregate keys`: API keys made, and their hashes. Nothing is stored; a file holds hashes only."""

import hashlib
import json
import re
import secrets
import sys
import zlib

import click

from foregate.commands.options import output as output_option

PREFIX = "fg_"
"""What a scanner of repositories looks for."""

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""Letters and digits alone: a double click takes the whole key."""

BITS = 256
SECRET_LENGTH = 43
"""Characters of base 62 that hold 256 bits."""
CHECK_LENGTH = 6
"""Characters of base 62 that hold a CRC-32: a scanner knows a real key without asking us."""
LENGTH = len(PREFIX) + SECRET_LENGTH + CHECK_LENGTH

GUESSABLE = 32
"""Below this many characters a key may be guessed from its hash: hashes are not salted."""

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


@click.group()
def command() -> None:
    """Make API keys, and the hashes that a gateway file holds.

    \b
    Examples:
      foregate keys create --consumer acme
      foregate keys hash < key.txt
    """  # noqa: D301 # \b is click's mark of a paragraph that it must not wrap


@command.command()
@click.option("--consumer", metavar="NAME", default="NAME", help="Whose key it is.")
@output_option
def create(consumer: str, output: str) -> None:
    """Make a key of 256 random bits; it is shown this once and stored nowhere.

    \b
    Examples:
      foregate keys create --consumer acme
      foregate keys create --consumer acme -o json | jq -r .key
    """  # noqa: D301 # as above
    key = new_key(secrets.randbits(BITS))
    line = consumer_line(consumer, key_hash(key))
    if output == "json":
        made = {"key": key, "hash": key_hash(key), "consumer": consumer, "yaml": line}
        click.echo(json.dumps(made, indent=2))
        return
    click.echo(f"key   {key}")
    click.echo(f"hash  {key_hash(key)}")
    click.echo("\nGive the key to its user: it is not stored, and cannot be shown again.")
    click.echo(f"The gateway file holds the hash alone:\n\nconsumers:\n  {line}")


@command.command("hash")
@output_option
def hash_(output: str) -> None:
    """Read a key from standard input and print its hash.

    Never from the command line: other users of the machine, and the shell's history, see that.

    \b
    Examples:
      foregate keys hash < key.txt
      foregate keys hash          (type or paste the key)
    """  # noqa: D301 # as above
    if sys.stdin.isatty():
        key = click.prompt("key", hide_input=True, err=True)
    else:
        key = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    if why := why_no_key(key):
        raise click.ClickException(why)
    if len(key) < GUESSABLE:
        click.echo(f"warning: a key under {GUESSABLE} characters can be guessed", err=True)
    made = key_hash(key)
    click.echo(json.dumps({"hash": made}) if output == "json" else made)


def new_key(number: int) -> str:
    """Write a number of 256 bits as a key."""
    body = _base62(number, SECRET_LENGTH)
    return f"{PREFIX}{body}{_check(body)}"


def key_hash(key: str) -> str:
    """Give what a gateway file holds of a key."""
    return f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"


def why_no_key(key: str) -> str:
    """Say why a text cannot be a key that a header carries, or that it was mistyped; empty if not.

    Keys of other makers are taken; one with our prefix must be whole. The words hold no part of it.
    """
    if not key:
        return "there is no key on standard input"
    if not (key.isascii() and key.isprintable()) or " " in key:
        return "a key is one line of visible ASCII characters without spaces"
    if not key.startswith(PREFIX):
        return ""
    body, check = key[len(PREFIX) : -CHECK_LENGTH], key[-CHECK_LENGTH:]
    if len(key) != LENGTH or _check(body) != check:
        return f"this starts as a key of ours ({PREFIX}) and is none: it was mistyped or cut"
    return ""


def consumer_line(consumer: str, hashed: str) -> str:
    """Write the line that stands under `consumers:`."""
    name = consumer if _PLAIN.fullmatch(consumer) else json.dumps(consumer)
    return f'{name}: {{key: "{hashed}"}}'


def _check(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), CHECK_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))
