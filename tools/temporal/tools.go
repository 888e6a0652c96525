//go:build tools

// Package tools pins the Temporal CLI, so that it can be built where it can be neither found nor downloaded.
// The CLI's own go.mod has a local replacement, which `go install` refuses; this module names the same commit.
package tools

import _ "github.com/temporalio/cli/cmd/temporal"
