package rules

import "github.com/plinth-build/plinth/internal/lint"

// hadolintLabels is the rules with hadolint's codes from DL3048 on.
var hadolintLabels = []*lint.Rule{
	dl3048,
	dl3049,
	dl3050,
	dl3051,
	dl3052,
	dl3053,
	dl3054,
	dl3055,
	dl3056,
	dl3057,
	dl3058,
	dl3060,
	dl3061,
	dl3062,
	dl3063,
	dl3064,
	dl3065,
	dl3066,
	dl3067,
	dl4000,
	dl4001,
	dl4003,
	dl4004,
	dl4005,
	dl4006,
}
