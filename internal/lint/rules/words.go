package rules

import (
	"fmt"
	"strings"

	"github.com/plinth-build/plinth/internal/shellscript"
)

// list puts words into a message: all of a few, the first ones of many.
func list(words []shellscript.Word) string {
	const most = 4
	var names []string
	for i, w := range words {
		if i == most {
			return fmt.Sprintf("%s and %d more", strings.Join(names, ", "), len(words)-most)
		}
		names = append(names, w.S)
	}
	return strings.Join(names, ", ")
}
