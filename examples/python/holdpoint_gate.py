"""Holdpoint over plain HTTP, with the standard library alone.

    gate = Gate()  # HOLDPOINT_URL and HOLDPOINT_API_KEY
    outcome = gate.execute("github.repos.delete", {"owner": "acme", "repo": "old"}, key="thread-7/delete/call-1")
    if outcome["status"] == "pending_approval":
        outcome = gate.resolution(outcome["reviewId"], timeout=600)

Every outcome is a dict with a `status`: executed, pending_approval, changes_requested, rejected, expired, withdrawn,
blocked, aborted, failed or outcome_unknown. Only what has no outcome (refused, unreachable) raises.
"""

import json
import os
import time
import urllib.error
import urllib.request

ENDED = ("rejected", "expired", "withdrawn", "blocked", "aborted")


class HoldpointError(Exception):
    """There is no outcome. `code` is Holdpoint's, or `connection_failed`."""

    def __init__(self, code, status=0, retry_after=None):
        super().__init__(code)
        self.code, self.status, self.retry_after = code, status, retry_after

    @property
    def retryable(self):
        return self.status in (0, 429) or self.status >= 500


class Gate:
    def __init__(self, url=None, api_key=None):
        self.url = (url or os.environ["HOLDPOINT_URL"]).rstrip("/")
        self.api_key = api_key or os.environ["HOLDPOINT_API_KEY"]

    def execute(self, tool, arguments, *, key, reason=None, context=None, thread_id=None):
        """Proposes one call. The same `key` and arguments: the same review, however often this is run."""
        body = {"service": tool.split(".")[0], "tool": tool, "arguments": arguments}
        body |= {"reason": reason} if reason else {}
        body |= {"context": context} if context else {}
        body |= {"threadId": thread_id} if thread_id else {}
        answer = self._insist(lambda: self._send("POST", "/v1/execute", body, {"Idempotency-Key": key}), attempts=5)
        if answer["outcome"] == "BLOCKED":
            codes = answer["reasonCodes"]
            return {
                "status": next((status for status in ENDED if status in codes), "blocked"),
                "reviewId": answer["reviewId"],
                "reasonCodes": codes,
                "comment": answer.get("comment"),
                "retryable": answer["retryable"],
            }
        return self.outcome(answer["reviewId"])

    def outcome(self, review_id, wait_seconds=0):
        """The current review, or the ended one if it ends within `wait_seconds` (at most 60)."""
        return outcome_of(self._send("GET", f"/v1/reviews/{review_id}?waitSeconds={wait_seconds}"))

    def resolution(self, review_id, timeout=None):
        """Waits, through restarts of Holdpoint too. `pending_approval` when `timeout` seconds are over: nothing is decided."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left = 30 if end is None else end - time.monotonic()
            wait = max(0, min(30, int(left)))
            outcome = self._insist(lambda: self.outcome(review_id, wait), until=end)
            if outcome["status"] != "pending_approval" or left <= 0:
                return outcome
            time.sleep(0.25)

    def _insist(self, request, attempts=None, until=None):
        """Again after what may pass: no answer, 429, 5xx. Proposals carry their key, so none is made twice."""
        attempt = 0
        while True:
            try:
                return request()
            except HoldpointError as error:
                attempt += 1
                over = attempts is not None and attempt >= attempts
                if not error.retryable or over or (until is not None and time.monotonic() > until):
                    raise
                time.sleep(error.retry_after or min(10, 0.25 * 2**attempt))

    def _send(self, method, path, body=None, headers=None):
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.api_key}",
                "Content-Type": "application/json",
                "Accept": "application/json",
                **(headers or {}),
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=100) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            answer = _json_of(error)
            # 403 and 502 are outcomes too, where they say so.
            if "outcome" in answer:
                return answer
            seconds = error.headers.get("Retry-After", "")
            retry_after = int(seconds) if seconds.isdigit() else None
            raise HoldpointError(answer.get("code", "unreadable_answer"), error.code, retry_after) from None
        except (OSError, ValueError) as error:
            raise HoldpointError("connection_failed") from error


def outcome_of(review):
    """What became of a review, for a program or a model to read."""
    execution, resolution, feedback = review["execution"], review["resolution"] or {}, review["feedback"] or {}
    outcome = {"status": "pending_approval", "reviewId": review["reviewId"], "expiresAt": review["expiresAt"]}
    if execution["status"] in ("executed", "failed", "outcome_unknown"):
        outcome = {
            "status": execution["status"],
            "reviewId": review["reviewId"],
            "edited": resolution.get("edited", False),
            # What really ran: after an edit it is not what was proposed.
            "arguments": review["call"]["arguments"],
            "result": execution.get("body"),
            "error": execution["error"],
        }
    elif review["status"] in ENDED:
        outcome = {
            "status": review["status"],
            "reviewId": review["reviewId"],
            # As `execute` answers: how it ended (`expired`: nobody decided in time), then why it was held.
            "reasonCodes": list(dict.fromkeys([review["status"], *review["reasonCodes"]])),
            "comment": resolution.get("comment"),
            "retryable": resolution.get("retryable", False),
        }
    elif review["status"] == "changes_requested":
        outcome |= {"status": "changes_requested", "revision": review["revision"], "comment": feedback.get("comment")}
    return outcome


def _json_of(response):
    try:
        answer = json.load(response)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
