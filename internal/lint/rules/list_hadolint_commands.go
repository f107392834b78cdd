package rules

import "github.com/plinth-build/plinth/internal/lint"

// hadolintCommands is the rules with hadolint's codes about the commands in RUN.
var hadolintCommands = []*lint.Rule{
	dl3001,
	dl3003,
	dl3004,
	dl3008,
	dl3009,
	dl3013,
	dl3014,
	dl3015,
	dl3016,
	dl3018,
	dl3019,
	dl3027,
	dl3028,
	dl3030,
	dl3032,
	dl3033,
	dl3034,
	dl3035,
	dl3036,
	dl3037,
	dl3038,
	dl3040,
	dl3041,
	dl3042,
}
