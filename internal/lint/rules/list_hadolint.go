package rules

import "github.com/plinth-build/plinth/internal/lint"

// hadolint is the rules with hadolint's codes and meanings.
var hadolint = []*lint.Rule{
	dl3000,
}
