"""A Python workflow that asks people through Holdpoint, with nothing but Temporal's own SDK.

    pip install temporalio
    python publish.py worker                              # in one terminal
    python publish.py start '{"title": "Hello"}' ops      # in another; then decide as a reviewer
"""

import asyncio
import json
import os
import sys
import uuid
from typing import Any

from temporalio import workflow
from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.worker import Worker

TASK_QUEUE = "publishing-python"
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def review_id() -> str:
    """rev_<ULID>, from the workflow's own clock and randomness so that it replays."""
    value = (int(workflow.time() * 1000) << 80) | (workflow.uuid4().int >> 48)
    return "rev_" + "".join(CROCKFORD[(value >> shift) & 31] for shift in range(125, -1, -5))


async def request_approval(question: dict[str, Any]) -> dict[str, Any]:
    """Asks and waits; without an answer it expires. Cancelling the caller withdraws the question."""
    return await workflow.execute_child_workflow(
        "approvalGate",
        question,
        id=review_id(),
        task_queue="holdpoint-gate",
        parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
        cancellation_type=workflow.ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
    )


@workflow.defn
class Publish:
    @workflow.run
    async def run(self, draft: dict[str, Any], editors: list[str], ttl: str) -> dict[str, Any]:
        decision = await request_approval(
            {
                "title": "Publish this draft?",
                "proposal": {"draft": draft},
                "approvers": editors,
                "ttl": ttl,
                "allow": ["approve", "edit", "reject", "respond"],
            }
        )
        if decision["type"] in ("approve", "edit"):
            return {"published": decision["proposal"]["draft"], "decision": decision}
        # reject, respond, expired, withdrawn, aborted, blocked: nothing is published.
        return {"published": None, "decision": decision}


async def main(command: str, *args: str) -> None:
    client = await Client.connect(os.environ.get("TEMPORAL_ADDRESS", "127.0.0.1:7233"))
    if command == "worker":
        worker = Worker(client, task_queue=TASK_QUEUE, workflows=[Publish])
        print("worker: ready", flush=True)
        await worker.run()
    else:
        draft, editors = json.loads(args[0]), list(args[1:])
        result = await client.execute_workflow(
            Publish.run, args=[draft, editors, "24h"], id=f"publish-{uuid.uuid4()}", task_queue=TASK_QUEUE
        )
        print(json.dumps(result))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
