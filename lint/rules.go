package lint

// Rules returns all rules, by their names. docs/checks.rst has a section for each, with an
// example that breaks it and one that does not.
func Rules() []Rule {
	return []Rule{
		{
			Name:        "CopyIgnoredFile",
			Description: "Files that .dockerignore excludes cannot be copied",
			Building:    true,
			find:        copyIgnoredFile,
		},
		{
			Name:        "DeprecatedLabel",
			Description: "Labels should have the names that the OCI image specification gives them",
			find:        deprecatedLabel,
		},
		{
			Name:        "DuplicatePackage",
			Description: "A package should be in a list once",
			Building:    true,
			find:        duplicatePackage,
		},
		{
			Name:        "EndOfLifeAlpine",
			Description: "The Alpine release should be one that gets security fixes",
			Building:    true,
			find:        endOfLifeAlpine,
		},
		{
			Name:        "EndOfLifePython",
			Description: "The Python release should be one that gets security fixes",
			Building:    true,
			find:        endOfLifePython,
		},
		{
			Name:        "FileNotCopied",
			Description: "A script that a command names should be copied into the image",
			Building:    true,
			find:        fileNotCopied,
		},
		{
			Name:        "JSONArgsRecommended",
			Description: "Commands should be lists, or scripts that begin with exec, for signals to reach them",
			find:        shellForm,
		},
		{
			Name:        "RootUser",
			Description: "An application should not run as root",
			find:        rootUser,
		},
		{
			Name:        "SecretsUsedInArgOrEnv",
			Description: "Sensitive data should not be in args or env",
			Building:    true,
			find:        secretsUsedInArgOrEnv,
		},
		{
			Name:        "SourceDropped",
			Description: "Commands should not name a source in whose place there is bytecode",
			Building:    true,
			find:        sourceDropped,
		},
		{
			Name:        "UnconsumedBuildArg",
			Description: "Build arguments should be declared under args",
			Building:    true,
			find:        unconsumedBuildArg,
		},
		{
			Name:        "UnpinnedBase",
			Description: "The base image should have a tag other than latest, or a digest",
			find:        unpinnedBase,
		},
		{
			Name:        "UnpinnedRequirement",
			Description: "What pip installs should have an exact version, or a constraints file",
			find:        unpinnedRequirement,
		},
		{
			Name:        "UnusedArg",
			Description: "Arguments that are declared should be used",
			find:        unusedArg,
		},
	}
}
