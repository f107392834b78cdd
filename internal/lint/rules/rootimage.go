package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
)

// rootImage is the image that a stage stands on in the end, without registry, tag and digest, and its
// whole reference. It is "" without FROM.
func rootImage(s *lint.Stage) (name, ref string) {
	for s.Parent != nil {
		s = s.Parent
	}
	ref = strings.ToLower(s.Resolved)
	name = ref[strings.LastIndexByte(ref, '/')+1:]
	if i := strings.IndexAny(name, ":@"); i >= 0 {
		name = name[:i]
	}
	return name, ref
}

// shOf says what /bin/sh is in a stage: bash on Red Hat's distributions and their relatives, Arch and openSUSE, dash on
// Debian and its relatives. What its image's name does not tell, the package manager does that the stage calls.
func shOf(s *lint.Stage) (bash, dash bool) {
	switch name, _ := rootImage(s); {
	case hasBashByName(s):
		return true, false
	case name == "debian" || name == "ubuntu" || name == "buildpack-deps":
		return false, true
	}
	rpm, deb, apk := packageManagers(s)
	return rpm && !deb && !apk, deb && !rpm && !apk
}

// packageManagers says which kinds of package managers a stage, or one below it, calls; pacman counts as of the first.
func packageManagers(s *lint.Stage) (rpm, deb, apk bool) {
	for ; s != nil; s = s.Parent {
		for _, run := range s.Runs() {
			for _, script := range run.Scripts {
				for _, c := range script.Commands {
					switch c.Name() {
					case "yum", "dnf", "microdnf", "tdnf", "zypper", "pacman":
						rpm = true
					case "apt-get", "apt", "dpkg":
						deb = true
					case "apk":
						apk = true
					}
				}
			}
		}
	}
	return rpm, deb, apk
}

func hasBashByName(s *lint.Stage) bool {
	name, ref := rootImage(s)
	name, _, _ = strings.Cut(name, "-") // fedora-minimal
	switch strings.TrimRight(name, "0123456789.") {
	case "centos", "rockylinux", "almalinux", "oraclelinux", "amazonlinux", "fedora", "ubi", "archlinux", "photon", "azurelinux":
		return true
	case "leap", "tumbleweed":
		return strings.Contains(ref, "opensuse/")
	}
	return strings.HasPrefix(ref, "oracle/") || strings.HasPrefix(ref, "container-registry.oracle.com/") // Oracle Linux with something on it
}

// shIsBusybox says whether a stage stands on an image whose /bin/sh is busybox's, as far as its name tells.
func shIsBusybox(s *lint.Stage) bool {
	name, ref := rootImage(s)
	return name == "busybox" || strings.Contains(ref, "alpine")
}

// isWindowsStage says whether a stage stands on an image of Windows, as far as its name tells.
func isWindowsStage(s *lint.Stage) bool {
	_, ref := rootImage(s)
	for _, word := range []string{"windows", "nanoserver", "servercore"} {
		if strings.Contains(ref, word) {
			return true
		}
	}
	return false
}
