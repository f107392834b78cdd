// plinth builds a fleet of container base images from one catalog.
package main

import (
	"os"

	"github.com/plinth-build/plinth/internal/cli"
)

func main() {
	os.Exit(int(cli.Main(os.Args[1:], os.Stdout, os.Stderr)))
}
