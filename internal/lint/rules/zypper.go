package rules

var zypper = &tool{
	names: []string{"zypper"},
	valued: []string{
		"-r", "--repo", "--from", "-t", "--type", "-R", "--root", "--installroot", "-D", "--reposd-dir", "-C", "--cache-dir", "--raw-cache-dir", "--solv-cache-dir",
		"--pkg-cache-dir", "-c", "--config", "--userdata", "-p", "--plus-repo", "--plus-content", "--releasever", "--download",
	},
}

// zypperInstalls says whether a call installs packages.
func zypperInstalls(v *invocation) bool { return v.is("install", "in") }
