//go:build tools

// Package tools pins helm and kubeconform, which the tests of the Helm chart build: neither is in a package registry that `npm ci` reads.
package tools

import (
	_ "github.com/yannh/kubeconform/cmd/kubeconform"
	_ "helm.sh/helm/v4/cmd/helm"
)
