export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/** The hidden command that a completion script calls for candidates. */
export const completeWord = '__complete'

const bash = `# centralpost completion for bash; load it with: source <(centralpost completion bash)
_centralpost() {
  local word about
  COMPREPLY=()
  while IFS=$'\\t' read -r word about; do
    case $word in
      :files) compopt -o default 2>/dev/null ;;
      :directories) compopt -o dirnames 2>/dev/null ;;
      *) COMPREPLY+=("$word") ;;
    esac
  done < <(centralpost ${completeWord} -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _centralpost centralpost
`

const zsh = `#compdef centralpost
# centralpost completion for zsh; load it with: source <(centralpost completion zsh)
_centralpost() {
  local word about
  local -a items
  while IFS=$'\\t' read -r word about; do
    case $word in
      :files) _files ;;
      :directories) _files -/ ;;
      *) items+=("\${word//:/\\\\:}:$about") ;;
    esac
  done < <(centralpost ${completeWord} -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( $#items )) && _describe centralpost items
}
if [ "$funcstack[1]" = "_centralpost" ]; then _centralpost "$@"; else compdef _centralpost centralpost; fi
`

const fish = `# centralpost completion for fish; load it with: centralpost completion fish | source
function __centralpost_complete
  set -l typed (commandline -opc) (commandline -ct)
  for line in (centralpost ${completeWord} -- $typed[2..-1] 2>/dev/null)
    switch $line
      case ':files'
        __fish_complete_path (commandline -ct)
      case ':directories'
        __fish_complete_directories (commandline -ct)
      case '*'
        echo $line
    end
  end
end
complete -c centralpost -f -a '(__centralpost_complete)'
`

/**
 * The scripts that a shell loads. Candidates come from the installed program, so the scripts never
 * go stale.
 */
export const completionScripts: Readonly<Record<Shell, string>> = { bash, zsh, fish }
