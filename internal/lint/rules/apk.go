package rules

import "github.com/plinth-build/plinth/internal/lint"

var apk = &tool{
	names: []string{"apk"},
	valued: []string{
		"-t", "--virtual", "-X", "--repository", "--repositories-file", "-p", "--root", "--keys-dir", "--cache-dir", "--cache-max-age",
		"--arch", "--wait", "--progress-fd", "--timeout",
	},
}

// apkAdds are the calls of apk add in a step.
func apkAdds(run *lint.Run) []*invocation {
	return keep(apk.calls(run), func(v *invocation) bool { return v.is("add") })
}
