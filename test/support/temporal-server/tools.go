//go:build tools

// Package tools pins the Temporal server as a cluster runs it, with its schema tool, for tests. It names the CLI too, so
// that versions are those of tools/temporal, and what both need is compiled once.
package tools

import (
	_ "github.com/temporalio/cli/cmd/temporal"
	_ "go.temporal.io/server/cmd/server"
	_ "go.temporal.io/server/cmd/tools/sql"
)
