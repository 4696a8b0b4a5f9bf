# SPDX-License-Identifier: GPL-2.0-only
#
# complete.zsh FOLDER: what zsh offers for each line of the input, by the completions of that
# folder and its own completion system, on a terminal that is none: "LINE<TAB>WORD", a line
# for each word.
zmodload zsh/zpty || exit

dir=$(mktemp -d)
trap 'rm -rf $dir' EXIT
cat >$dir/lines
export FOLDER=$1 ZDOTDIR=$dir
: >$dir/words

# compadd is what all completion ends in; -O, -A and -D only ask it.
cat >$dir/.zshrc <<'END'
fpath=($FOLDER $fpath)
autoload -Uz compinit
compinit -u -D
PROMPT=''
compadd() {
	local -a words prefix hidden

	if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
		builtin compadd "$@"
		return
	fi
	builtin compadd -A words "$@"
	zparseopts -E P:=prefix p:=hidden
	[[ -z $words ]] || print -rl -- $asked$'\t'$IPREFIX${prefix[2]}${hidden[2]}$^words
	builtin compadd "$@"
} >>$ZDOTDIR/words
# As TAB does, line for line
zle-line-init() {
	local asked

	while IFS= read -r asked; do
		BUFFER=$asked CURSOR=$#asked
		zle complete-word
	done <$ZDOTDIR/lines
	: >$ZDOTDIR/done
	exit
}
zle -N zle-line-init
END

# Its parent's trap is not for it.
zpty shell 'trap - EXIT; exec zsh -d -i'
while zpty -r shell said; do
	print -rn -- $said >>$dir/said
done
if [[ ! -e $dir/done ]]; then
	cat $dir/said >&2
	exit 1
fi
cat $dir/words
