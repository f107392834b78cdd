package rules

import (
	"slices"
	"strings"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// distributions are images whose configuration sets no variables but PATH and those that are named
// here, in all of their tags.
var distributions = map[string][]string{
	"debian": nil, "ubuntu": nil, "alpine": nil, "busybox": nil, "centos": nil, "rockylinux": nil, "almalinux": nil,
	"oraclelinux": nil, "amazonlinux": nil, "photon": nil, "buildpack-deps": nil, "archlinux": {"LANG"},
	"fedora": {"DISTTAG", "FGC", "FBR", "container"}, "opensuse/leap": nil, "opensuse/tumbleweed": nil, "rockylinux/rockylinux": nil,
	"kalilinux/kali-rolling": nil, "archlinux/archlinux": {"LANG"},
}

// architectures are the names that the official images of one platform are under.
var architectures = map[string]ocispecs.Platform{
	"amd64": {OS: "linux", Architecture: "amd64"}, "i386": {OS: "linux", Architecture: "386"},
	"arm32v5": {OS: "linux", Architecture: "arm", Variant: "v5"}, "arm32v6": {OS: "linux", Architecture: "arm", Variant: "v6"},
	"arm32v7": {OS: "linux", Architecture: "arm", Variant: "v7"}, "arm64v8": {OS: "linux", Architecture: "arm64", Variant: "v8"},
	"ppc64le": {OS: "linux", Architecture: "ppc64le"}, "s390x": {OS: "linux", Architecture: "s390x"},
	"riscv64": {OS: "linux", Architecture: "riscv64"}, "mips64le": {OS: "linux", Architecture: "mips64le"},
}

// hubName is the name of an image on Docker Hub, without tag and digest; "" for one elsewhere, and
// for one that a variable names.
func hubName(image string) string {
	if strings.Contains(image, "$") {
		return ""
	}
	image, _, _ = strings.Cut(image, "@")
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		image = image[:i]
	}
	image = strings.TrimPrefix(image, "docker.io/")
	image = strings.TrimPrefix(image, "library/")
	if host, _, ok := strings.Cut(image, "/"); ok && (strings.ContainsAny(host, ".:") || host == "localhost") {
		return ""
	}
	return image
}

// distributionEnv are the variables of an image that is a distribution's, if it is one.
func distributionEnv(image string) (map[string]string, bool) {
	name := hubName(image)
	if folder, rest, ok := strings.Cut(name, "/"); ok {
		if _, is := architectures[folder]; is {
			name = rest
		}
	}
	names, ok := distributions[name]
	if !ok {
		return nil, false
	}
	env := map[string]string{"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	for _, n := range names {
		env[n] = "1"
	}
	return env, true
}

// imagePlatform is the only platform that an image is for, as its name tells.
func imagePlatform(image string) (ocispecs.Platform, bool) {
	folder, _, ok := strings.Cut(hubName(image), "/")
	p, is := architectures[folder]
	return p, ok && is
}

// upstreamVariables are names that images which are not known often set, and that a Dockerfile reads.
var upstreamVariables = []string{
	"HOME", "JAVA_HOME", "GOPATH", "GOROOT", "LANG", "LC_ALL", "CATALINA_HOME", "MAVEN_HOME", "NODE_VERSION", "PYTHON_VERSION", "VERSION",
	"APP_ROOT", "STI_SCRIPTS_PATH", "APP_UID", "NB_UID", "NB_GID", "NB_USER", "CONDA_DIR", "USER", "ORACLE_HOME", "CUDA_VERSION",
}

// isUpstream says whether images often bring a variable.
func isUpstream(name string) bool { return slices.Contains(upstreamVariables, name) }
