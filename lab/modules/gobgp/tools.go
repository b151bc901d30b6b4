//go:build tools

// Package tools names the programs of GoBGP, so that go.mod and go.sum pin them: for the lab, and for OpenELB's image.
package tools

import (
	_ "github.com/osrg/gobgp/v4/cmd/gobgp"
	_ "github.com/osrg/gobgp/v4/cmd/gobgpd"
)
