"""LangGraph (Python) with a tool node that Holdpoint gates: execute, `pending_approval`, resumed on resolution.

pip install langgraph==1.2.22, then with `npm start` running:
    HOLDPOINT_URL=http://127.0.0.1:8080 HOLDPOINT_API_KEY=hpk_… python examples/python/agent.py "<sql>"

The model is scripted (no vendor's key).
"""

import json
import sys
import uuid

from holdpoint_gate import Gate
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command, interrupt

gate = Gate()
sql = sys.argv[1] if len(sys.argv) > 1 else "DELETE FROM users WHERE inactive_since < '2021-06-01'"


def model(state: MessagesState):
    last = state["messages"][-1]
    if isinstance(last, ToolMessage):
        return {"messages": [AIMessage(f"It ended as {json.loads(last.content)['status']}.")]}
    call = {"id": "call-1", "name": "run_sql", "args": {"sql": last.content}}
    return {"messages": [AIMessage("", tool_calls=[call])]}


def tools(state: MessagesState, config: RunnableConfig):
    """Runs nothing here. LangGraph runs a node again from its start when it resumes, hence the key."""
    thread = config["configurable"]["thread_id"]
    results = []
    for call in state["messages"][-1].tool_calls:
        key = f"{thread}/tools/{call['id']}"
        outcome = gate.execute("postgres.execute", call["args"], key=key, thread_id=thread)
        while outcome["status"] == "pending_approval":
            # Whatever the graph is resumed with decides nothing: Holdpoint is asked again.
            interrupt(outcome)
            outcome = gate.outcome(outcome["reviewId"])
        results.append(ToolMessage(json.dumps(outcome), tool_call_id=call["id"], name=call["name"]))
    return {"messages": results}


graph = StateGraph(MessagesState).add_node(model).add_node(tools).add_edge(START, "model").add_edge("tools", "model")
graph.add_conditional_edges("model", lambda state: "tools" if state["messages"][-1].tool_calls else END)
app = graph.compile(checkpointer=InMemorySaver())

config = {"configurable": {"thread_id": str(uuid.uuid4())}}
state = app.invoke({"messages": [HumanMessage(sql)]}, config)
while waiting := state.get("__interrupt__"):
    # Each interrupt by its own id, for several may wait.
    for pending in waiting:
        print(f"{pending.value['status']} {pending.value['reviewId']}", flush=True)
    ended = {pending.id: gate.resolution(pending.value["reviewId"]) for pending in waiting}
    state = app.invoke(Command(resume=ended), config)

print(next(message.content for message in reversed(state["messages"]) if isinstance(message, ToolMessage)))
print(state["messages"][-1].content)
