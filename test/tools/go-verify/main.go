// Command go-verify checks what Holdpoint's audit log produced with the checksum database's own note code and the
// transparency project's own proof code. It reads one JSON document on standard input and prints "ok" or a reason.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type input struct {
	VerifierKey   string   `json:"verifierKey"`
	Checkpoint    string   `json:"checkpoint"`
	OldCheckpoint string   `json:"oldCheckpoint"`
	Leaf          string   `json:"leaf"`
	Index         uint64   `json:"index"`
	Inclusion     [][]byte `json:"inclusion"`
	Consistency   [][]byte `json:"consistency"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("ok")
}

func run() error {
	var in input
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		return fmt.Errorf("input: %w", err)
	}
	size, root, err := open(in.Checkpoint, in.VerifierKey)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	oldSize, oldRoot, err := open(in.OldCheckpoint, in.VerifierKey)
	if err != nil {
		return fmt.Errorf("old checkpoint: %w", err)
	}
	leafHash := rfc6962.DefaultHasher.HashLeaf([]byte(in.Leaf))
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, in.Index, size, leafHash, in.Inclusion, root); err != nil {
		return fmt.Errorf("inclusion: %w", err)
	}
	if err := proof.VerifyConsistency(rfc6962.DefaultHasher, oldSize, size, in.Consistency, oldRoot, root); err != nil {
		return fmt.Errorf("consistency: %w", err)
	}
	return nil
}

// open verifies a checkpoint's signature and reads size and root.
func open(checkpoint, verifierKey string) (uint64, []byte, error) {
	verifier, err := note.NewVerifier(verifierKey)
	if err != nil {
		return 0, nil, err
	}
	signed, err := note.Open([]byte(checkpoint), note.VerifierList(verifier))
	if err != nil {
		return 0, nil, err
	}
	lines := strings.Split(signed.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return 0, nil, fmt.Errorf("not a checkpoint of %s", verifier.Name())
	}
	size, err := strconv.ParseUint(lines[1], 10, 64)
	if err != nil {
		return 0, nil, err
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return 0, nil, err
	}
	return size, root[:], nil
}
