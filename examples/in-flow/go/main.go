// Command publish has a Go workflow that asks people through Holdpoint, with nothing but Temporal's own SDK.
//
//	go run . worker                              # in one terminal
//	go run . start '{"title": "Hello"}' ops      # in another; then decide as a reviewer
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"math/big"
	"os"

	"github.com/google/uuid"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

const taskQueue = "publishing-go"

// Question is the only argument of approvalGate.
type Question struct {
	Title     string         `json:"title"`
	Proposal  map[string]any `json:"proposal"`
	Approvers []string       `json:"approvers,omitempty"`
	TTL       string         `json:"ttl,omitempty"`
	Allow     []string       `json:"allow,omitempty"`
}

// Decision is its result; which fields are there depends on Type.
type Decision struct {
	ReviewID    string          `json:"reviewId"`
	Type        string          `json:"type"` // approve edit respond reject expired withdrawn aborted blocked
	Proposal    map[string]any  `json:"proposal,omitempty"`
	Response    json.RawMessage `json:"response,omitempty"`
	By          string          `json:"by,omitempty"`
	Comment     *string         `json:"comment,omitempty"`
	ReasonCodes []string        `json:"reasonCodes,omitempty"`
}

// Published is what the workflow ends with.
type Published struct {
	Published any      `json:"published"`
	Decision  Decision `json:"decision"`
}

// RequestApproval asks and waits; silence is no. Cancelling ctx withdraws the question, and "withdrawn" is the answer.
func RequestApproval(ctx workflow.Context, question Question) (Decision, error) {
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            reviewID(ctx),
		TaskQueue:             "holdpoint-gate",
		ParentClosePolicy:     enums.PARENT_CLOSE_POLICY_REQUEST_CANCEL,
		WaitForCancellation:   true,
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
	})
	var decision Decision
	err := workflow.ExecuteChildWorkflow(ctx, "approvalGate", question).Get(ctx, &decision)
	return decision, err
}

// reviewID is rev_<ULID>, from the workflow's own clock and a side effect, so that it replays.
func reviewID(ctx workflow.Context) string {
	var random uuid.UUID
	if err := workflow.SideEffect(ctx, func(workflow.Context) any { return uuid.New() }).Get(&random); err != nil {
		panic(err)
	}
	value := new(big.Int).Lsh(big.NewInt(workflow.Now(ctx).UnixMilli()), 80)
	value.Or(value, new(big.Int).SetBytes(random[6:]))
	const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	text := make([]byte, 26)
	for i := len(text) - 1; i >= 0; i-- {
		text[i] = crockford[new(big.Int).And(value, big.NewInt(31)).Int64()]
		value.Rsh(value, 5)
	}
	return "rev_" + string(text)
}

// Publish publishes a draft if one of the editors lets it.
func Publish(ctx workflow.Context, draft map[string]any, editors []string, ttl string) (Published, error) {
	decision, err := RequestApproval(ctx, Question{
		Title:     "Publish this draft?",
		Proposal:  map[string]any{"draft": draft},
		Approvers: editors,
		TTL:       ttl,
		Allow:     []string{"approve", "edit", "reject", "respond"},
	})
	if err != nil {
		return Published{}, err
	}
	if decision.Type == "approve" || decision.Type == "edit" {
		return Published{Published: decision.Proposal["draft"], Decision: decision}, nil
	}
	// reject, respond, expired, withdrawn, aborted, blocked: nothing is published.
	return Published{Decision: decision}, nil
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(args []string) error {
	c, err := client.Dial(client.Options{HostPort: os.Getenv("TEMPORAL_ADDRESS")})
	if err != nil {
		return err
	}
	defer c.Close()
	if len(args) > 0 && args[0] == "worker" {
		w := worker.New(c, taskQueue, worker.Options{})
		w.RegisterWorkflow(Publish)
		fmt.Println("worker: ready")
		return w.Run(worker.InterruptCh())
	}
	if len(args) < 3 || args[0] != "start" {
		return fmt.Errorf("worker, or start DRAFT EDITORS…")
	}
	var draft map[string]any
	if err := json.Unmarshal([]byte(args[1]), &draft); err != nil {
		return err
	}
	options := client.StartWorkflowOptions{ID: "publish-" + uuid.NewString(), TaskQueue: taskQueue}
	handle, err := c.ExecuteWorkflow(context.Background(), options, Publish, draft, args[2:], "24h")
	if err != nil {
		return err
	}
	var published Published
	if err := handle.Get(context.Background(), &published); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(published)
}
