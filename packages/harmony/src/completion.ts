// Shell completion, made from the program's own commands and options, so that it cannot drift from them.

export type CommandWords = {
  readonly name: string;
  readonly about: string;
  readonly options: readonly string[];
};

const SHELLS: { readonly [shell: string]: (commands: readonly CommandWords[]) => string } = {
  bash: (commands) => `_harmony() {
  local words
  case "\${COMP_WORDS[1]}" in
${commands.map(({ name, options }) => `    ${name}) words="${options.join(" ")}" ;;`).join("\n")}
    *) words="" ;;
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then words="${commands.map(({ name }) => name).join(" ")}"; fi
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _harmony harmony
`,
  zsh: (commands) => `#compdef harmony
_harmony() {
  local -a commands
  commands=(
${commands.map(({ name, about }) => `    '${name}:${about.replace(/[':]/g, " ")}'`).join("\n")}
  )
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  case "$words[2]" in
${commands.map(({ name, options }) => `    ${name}) compadd -- ${options.join(" ")} ;;`).join("\n")}
  esac
  _files
}
compdef _harmony harmony
`,
  fish: (commands) =>
    commands
      .flatMap(({ name, about, options }) => [
        `complete -c harmony -n __fish_use_subcommand -a ${name} -d '${about.replaceAll("'", " ")}'`,
        ...options
          .filter((option) => option.startsWith("--"))
          .map(
            (option) => `complete -c harmony -n '__fish_seen_subcommand_from ${name}' -l ${option.slice(2)}`,
          ),
      ])
      .join("\n")
      .concat("\n"),
};

export const COMPLETED_SHELLS: readonly string[] = Object.keys(SHELLS);

/** The script for a shell; null for one that we do not know. */
export function completionFor(shell: string, commands: readonly CommandWords[]): string | null {
  return Object.hasOwn(SHELLS, shell) ? (SHELLS[shell]?.(commands) ?? null) : null;
}
