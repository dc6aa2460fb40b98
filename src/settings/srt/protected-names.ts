/** What sandbox-runtime refuses to have written wherever it may be written to, in its own words for the host's start-up files. */
const files: readonly string[] = [
  ...[".gitconfig", ".gitmodules", ".bashrc", ".bash_profile", ".zshrc", ".zprofile", ".profile"],
  ...[".ripgreprc", ".mcp.json"],
];
const folders: readonly string[] = [".vscode", ".idea", ".claude/commands", ".claude/agents"];

/** Relative paths that are read-only at any of the depths looked at. `.git` is meant where it is a file, as in a worktree. */
export function mandatoryNames(allowGitConfig: boolean): readonly string[] {
  return [...files, ...folders, ".git", ".git/hooks", ...(allowGitConfig ? [] : [".git/config"])];
}
