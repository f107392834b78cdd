package rules

import "github.com/plinth-build/plinth/internal/lint"

// practice is the rules of that family.
var practice = []*lint.Rule{
	pl2001,
	pl2002,
	pl2003,
	pl2004,
	pl2005,
	pl2006,
	pl2007,
	pl2008,
	pl2009,
	pl2010,
	pl2011,
	pl3001,
	pl3002,
	pl3003,
	pl3004,
	pl4003,
	pl4004,
	pl5001,
	pl5002,
	pl5003,
	pl5005,
}
