package rules

import "github.com/plinth-build/plinth/internal/lint"

// buildkit is the rules of that family, by code.
var buildkit = []*lint.Rule{
	pl0001,
	consistentInstructionCasing,
	copyIgnoredFile,
	duplicateStageName,
	exposeInvalidFormat,
	exposeProtoCasing,
	fromAsCasing,
	fromPlatformFlagConstDisallowed,
	invalidBaseImagePlatform,
	invalidDefaultArgInFrom,
	invalidDefinitionDescription,
	jsonArgsRecommended,
	legacyKeyValueFormat,
	maintainerDeprecated,
	multipleInstructionsDisallowed,
	noEmptyContinuation,
	redundantTargetPlatform,
	reservedStageName,
	secretsUsedInArgOrEnv,
	stageNameCasing,
	undefinedArgInFrom,
	undefinedVar,
	workdirRelativePath,
}
