package rules

import "github.com/plinth-build/plinth/internal/lint"

// security is the rules of that family.
var security = []*lint.Rule{
	pl1001,
	pl1002,
	pl1003,
	pl1004,
	pl1005,
	pl1006,
	pl1007,
	pl1008,
	pl1009,
	pl1010,
	pl1011,
	pl1012,
	pl1013,
	pl1014,
	pl1015,
	pl1016,
	pl1017,
	pl1018,
	pl1019,
	pl1020,
	pl1021,
	pl1022,
	pl1023,
	pl1024,
	pl1025,
	pl1026,
	pl1027,
	pl1028,
	pl1029,
	pl1030,
	pl1031,
}
