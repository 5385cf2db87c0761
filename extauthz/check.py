"""One call of Envoy's ext_authz: CheckRequest bytes enter, CheckResponse bytes leave."""

import re
from collections.abc import Callable

import structlog
from envoy.service.auth.v3.external_auth_pb2 import CheckRequest
from google.protobuf.message import DecodeError

from decision.ask import Answer, Ask, Question
from decision.request import Request
from decision.verdict import Verdict
from extauthz.attributes import MalformedAttributesError, pipeline_hash, request, rule_id
from extauthz.metrics import Lookup, Metrics
from extauthz.policy import Policy
from extauthz.reply import reply
from extauthz.reports import KeyReports
from policies.auth.check import decide
from policies.auth.pipeline import Pipeline
from protos import PIPELINE
from serving.logs import place
from serving.seldom import Seldom
from serving.service import Feed

QUESTIONS = 100
"""More questions than any pipeline has: a decision that asks on and on is a fault of ours."""

_HASH = re.compile(r"[0-9a-f]{64}")
_log = structlog.get_logger(__name__)


class EndlessQuestionsError(Exception):
    """A decision that asked again what was answered."""


class Checker:
    """Decides calls. `now` are seconds since the epoch, `monotonic` seconds for durations.

    Whatever goes wrong inside is a 503: nothing is ever raised to the transport, since Envoy would
    take an aborted call for an error of the network.
    """

    def __init__(
        self,
        *,
        feed: Feed,
        policy: Policy,
        metrics: Metrics,
        now: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._feed = feed
        self._policy = policy
        self._metrics = metrics
        self._reports = KeyReports(feed, metrics, monotonic)
        self._now = now
        self._monotonic = monotonic
        self._seldom = Seldom(clock=monotonic)

    async def check(self, body: bytes, left: float) -> bytes:
        """Answer one check; Envoy waits `left` seconds."""
        began = self._monotonic()
        rule = ""
        try:
            called = CheckRequest.FromString(body)
            pipeline = await self._pipeline(pipeline_hash(called), left)
            if isinstance(pipeline, Verdict):
                verdict = pipeline
            else:
                rule = rule_id(called)
                verdict = self._verdict(request(called), pipeline)
                self._reports.report(verdict.unknown)
            answer = reply(verdict)
            self._tell(rule, verdict)
        except Exception as error:  # noqa: BLE001  # authentication never fails open, nor aborts
            verdict = Verdict(status=503, reason=_reason(error))
            answer = reply(verdict)
            what = (type(error).__name__, place(error))
            if times := self._seldom.due(what):
                _log.warning("check failed", rule=rule, error=what[0], at=what[1], times=times)
        self._metrics.decided(rule, verdict, self._monotonic() - began)
        return answer

    async def _pipeline(self, name: str, left: float) -> Pipeline | Verdict:
        """The pipeline of the route. An unknown one holds the call for half of what is left."""
        if not name:
            return Verdict(status=503, reason="no_pipeline")
        pipeline = self._policy.pipeline(name)
        found = Lookup.MEMORY if pipeline else Lookup.UNKNOWN
        if pipeline is None and _HASH.fullmatch(name):
            await self._feed.fetch(PIPELINE, name, within=max(left, 0) / 2)
            pipeline = self._policy.pipeline(name)
            found = Lookup.FETCHED if pipeline else Lookup.UNKNOWN
        self._metrics.looked_up(found)
        return pipeline or Verdict(status=503, reason="unknown_pipeline")

    def _verdict(self, asking: Request, pipeline: Pipeline) -> Verdict:
        answers: dict[Question, Answer] = {}
        for _ in range(QUESTIONS):
            decided = decide(asking, pipeline, answers, self._now())
            if not isinstance(decided, Ask):
                return decided
            answers[decided.question] = self._policy.answer(decided.question)
        raise EndlessQuestionsError

    def _tell(self, rule: str, verdict: Verdict) -> None:
        """Tell denials to whoever debugs, and faults of ours to the operator, not each time."""
        if verdict.principal is not None:
            return
        if not verdict.fault:
            _log.debug("denied", rule=rule, reason=verdict.reason, status=verdict.status)
        elif times := self._seldom.due((rule, verdict.reason)):
            _log.warning("denied", rule=rule, reason=verdict.reason, status=503, times=times)


def _reason(error: Exception) -> str:
    malformed = isinstance(error, DecodeError | MalformedAttributesError)
    return "malformed_check" if malformed else "internal_error"
