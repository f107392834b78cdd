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
