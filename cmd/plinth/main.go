// plinth builds a fleet of container base images from one catalog.
package main

import (
	"os"
	"runtime/debug"

	"github.com/plinth-build/plinth/internal/cli"
	"github.com/plinth-build/plinth/internal/debian/sandbox"
)

func main() {
	if sandbox.Main() {
		return
	}
	crashLoudly()
	os.Exit(int(cli.Main(os.Args[1:], os.Stdout, os.Stderr)))
}

// crashLoudly makes a bug end the process by SIGABRT, 134 to a shell. Go would
// exit with 2, which is what findings have.
func crashLoudly() { debug.SetTraceback("crash") }
