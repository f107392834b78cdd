package ociref

import (
	"fmt"
	"strings"

	"github.com/containerd/platforms"
)

// Platform is an operating system and a processor architecture in the words of
// the OCI image specification. Platforms made here are normal (linux/arm64,
// never linux/aarch64 or linux/arm64/v8), so that == compares them.
type Platform struct {
	OS      string // linux
	Arch    string // amd64
	Variant string // v7; "" for most
}

// ParsePlatform reads os/arch or os/arch/variant. The operating system alone
// is refused: what it means would depend on the machine.
func ParsePlatform(s string) (Platform, error) {
	if !strings.Contains(s, "/") {
		return Platform{}, fmt.Errorf("cannot read platform %q: want os/arch, such as linux/amd64", s)
	}
	p, err := platforms.Parse(s)
	if err != nil {
		return Platform{}, fmt.Errorf("cannot read platform %q: %w", s, err)
	}
	if p.OSVersion != "" || len(p.OSFeatures) != 0 {
		return Platform{}, fmt.Errorf("cannot read platform %q: versions and features of the operating system are not supported", s)
	}
	p = platforms.Normalize(p)
	return Platform{OS: p.OS, Arch: p.Architecture, Variant: p.Variant}, nil
}

// Host is the platform on which this process runs.
func Host() Platform {
	p := platforms.Normalize(platforms.DefaultSpec())
	return Platform{OS: p.OS, Arch: p.Architecture, Variant: p.Variant}
}

// String is os/arch or os/arch/variant; "" for the zero Platform.
func (p Platform) String() string {
	switch {
	case p == Platform{}:
		return ""
	case p.Variant == "":
		return p.OS + "/" + p.Arch
	}
	return p.OS + "/" + p.Arch + "/" + p.Variant
}
