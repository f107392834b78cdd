package rules

import "github.com/plinth-build/plinth/internal/lint"

// hadolint is the rules with hadolint's codes and meanings.
var hadolint = []*lint.Rule{
	dl1001,
	dl3000,
	dl3002,
	dl3006,
	dl3007,
	dl3010,
	dl3011,
	dl3012,
	dl3020,
	dl3021,
	dl3022,
	dl3023,
	dl3024,
	dl3025,
	dl3026,
	dl3029,
	dl3043,
	dl3044,
	dl3045,
	dl3046,
	dl3047,
	dl3059,
}
