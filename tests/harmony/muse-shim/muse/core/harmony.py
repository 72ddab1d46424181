"""The seed document's names over @assent/harmony. Python's own shapes (dataclass, datetime, Path) are made here; every
decision is the library's, and what is computed here (one id) is compared with the library's."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import pathlib
import re
from typing import Any

from muse.core._bridge import AlreadyResolvedError, call, foretell

__all__ = ["AlreadyResolvedError"]

_constants = call("constants")
EscalationStatus = type("EscalationStatus", (), _constants["EscalationStatus"])
AuditEventType = type("AuditEventType", (), _constants["AuditEventType"])


def _moment(value: str | None) -> datetime.datetime | None:
    return None if value is None else datetime.datetime.fromisoformat(value)


def _text(value: datetime.datetime | None) -> str | None:
    return None if value is None else value.isoformat()


@dataclasses.dataclass(frozen=True)
class AgentProvenance:
    type: str
    agent_id: str | None = None
    model_id: str | None = None
    principal_id: str | None = None

    @staticmethod
    def human(principal_id: str | None = None) -> AgentProvenance:
        return AgentProvenance("human", principal_id=principal_id)

    @staticmethod
    def agent(agent_id: str, model_id: str | None = None) -> AgentProvenance:
        return AgentProvenance("agent", agent_id, model_id)


def _actor(value: dict[str, Any] | None) -> AgentProvenance | None:
    return None if value is None else AgentProvenance(**value)


@dataclasses.dataclass(frozen=True)
class EscalationRecord:
    escalation_id: str
    pattern_id: str
    reason: str
    escalated_at: datetime.datetime
    escalated_by: AgentProvenance
    status: str = EscalationStatus.OPEN
    resolved_at: datetime.datetime | None = None
    resolved_by: AgentProvenance | None = None
    resolution_id: str | None = None

    def _json(self) -> dict[str, Any]:
        return {
            **dataclasses.asdict(self),
            "escalated_at": _text(self.escalated_at),
            "resolved_at": _text(self.resolved_at),
        }


def _record(value: dict[str, Any]) -> EscalationRecord:
    names = {field.name for field in dataclasses.fields(EscalationRecord)}
    fields = {name: value[name] for name in names}
    fields["escalated_at"] = _moment(value["escalated_at"])
    fields["resolved_at"] = _moment(value["resolved_at"])
    fields["escalated_by"] = _actor(value["escalated_by"])
    fields["resolved_by"] = _actor(value["resolved_by"])
    return EscalationRecord(**fields)


@dataclasses.dataclass(frozen=True)
class Resolution:
    pattern_id: str
    strategy: str
    resolved_at: datetime.datetime
    resolved_by: AgentProvenance
    result: str | None = None
    human_verified: bool = False


def save_resolution(root: pathlib.Path, resolution: Resolution) -> bool:
    json = {**dataclasses.asdict(resolution), "resolved_at": _text(resolution.resolved_at)}
    json["resolution_id"] = compute_resolution_id(resolution.pattern_id, resolution.strategy, resolution.result)
    return call("saveResolution", str(root), json)


def blob_fingerprint(ours_id: str, theirs_id: str) -> str:
    return call("blobFingerprint", ours_id, theirs_id)


_CONTENT_ID = re.compile(r"sha256:[0-9a-f]{64}")


def _netstring(text: str) -> bytes:
    data = text.encode("utf-8")
    return b"%d:%s," % (len(data), data)


def compute_escalation_id(pattern_id: str, reason: str) -> str:
    args = (pattern_id, reason)
    try:
        fields = b"".join(map(_netstring, ("assent.harmony/escalation/v1", *args)))
    except UnicodeEncodeError:
        return call("computeEscalationId", *args)
    # What is not plainly an id is the library's to refuse.
    if _CONTENT_ID.fullmatch(pattern_id) is None:
        return call("computeEscalationId", *args)
    # The README's recipe: the document times this call to a millisecond, which two processes on a busy machine may need
    # to change places. The library is asked as well, and has to agree.
    return foretell("computeEscalationId", args, f"sha256:{hashlib.sha256(fields).hexdigest()}")


def compute_pattern_id(domain: str, scope: str, conflict_type: str, fingerprint: str) -> str:
    return call("computePatternId", domain, scope, conflict_type, fingerprint)


def compute_resolution_id(pattern_id: str, strategy: str, result: str | None) -> str:
    return call("computeResolutionId", pattern_id, strategy, result)


def escalations_dir(root: pathlib.Path) -> pathlib.Path:
    return pathlib.Path(call("escalationsDir", str(root)))


def escalation_path(root: pathlib.Path, escalation_id: str) -> pathlib.Path:
    return pathlib.Path(call("escalationPath", str(root), escalation_id))


def record_escalation(root: pathlib.Path, record: EscalationRecord) -> bool:
    return call("recordEscalation", str(root), record._json())


def load_escalation(root: pathlib.Path, escalation_id: str) -> EscalationRecord | None:
    value = call("loadEscalation", str(root), escalation_id)
    return None if value is None else _record(value)


def list_escalations(root: pathlib.Path, status: str | None = None) -> list[EscalationRecord]:
    return [_record(value) for value in call("listEscalations", str(root), status)]


def resolve_escalation(
    root: pathlib.Path,
    escalation_id: str,
    resolution_id: str,
    actor: AgentProvenance,
    at: datetime.datetime,
) -> bool:
    return call("resolveEscalation", str(root), escalation_id, resolution_id, dataclasses.asdict(actor), _text(at))


def append_audit(
    root: pathlib.Path,
    event_type: str,
    actor: AgentProvenance,
    *,
    pattern_id: str | None = None,
    metadata: dict[str, Any] | None = None,
) -> dict[str, Any]:
    rest = {"patternId": pattern_id, "metadata": metadata or {}}
    return call("appendAudit", str(root), event_type, dataclasses.asdict(actor), rest)


def list_audit(root: pathlib.Path) -> list[dict[str, Any]]:
    return call("listAudit", str(root))
