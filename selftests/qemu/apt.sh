# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Debian packages of a suite that the machine itself may not have in its
# sources: an apt configuration of our own beside the host's, which stays
# untouched. Sourced after lib.sh; apt_use comes first.

# mirror main|security: where the machine itself gets its Debian packages.
# The main archive is told from third-party ones by carrying SUITE-updates.
mirror()
{
	local suite found default=http://deb.debian.org/debian

	suite=$(host_suite)-updates
	if [ "$1" = security ]; then
		suite=$(host_suite)-security
		default=$default-security
	fi
	# shellcheck disable=SC2016 # apt's own variables
	found=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' \
		'Created-By: Packages' |
		awk -v suite="$suite" '$1 == suite { print $2; exit }')
	printf '%s\n' "${found:-$default}"
}

# sources SUITE [POCKET...]: sources.list lines; "" is the suite itself
sources()
{
	local suite=$1 pocket kind keyring

	shift
	for keyring in /usr/share/keyrings/debian-archive-keyring.{gpg,pgp}; do
		[ ! -e "$keyring" ] || break
	done
	for pocket; do
		kind=main
		[ "$pocket" != -security ] || kind=security
		printf 'deb [signed-by=%s] %s %s%s main\n' "$keyring" \
			"$(mirror $kind)" "$suite" "$pocket"
	done
}

# apt_use SUITE: the packages of SUITE from here on
apt_use()
{
	APT_SUITE=$1
	APT_DIR=$ZC_LAB/apt/$1
	mkdir -p "$APT_DIR"/{lists/partial,cache/archives/partial,parts}
	: >>"$APT_DIR/status"
}

apt_run()
{
	local tool=$1

	shift
	"$tool" -qq -o Dir::Etc::SourceList="$APT_DIR/sources.list" \
		-o Dir::Etc::SourceParts="$APT_DIR/parts" \
		-o Dir::Etc::Preferences=/dev/null \
		-o Dir::Etc::PreferencesParts="$APT_DIR/parts" \
		-o Dir::State::Lists="$APT_DIR/lists" \
		-o Dir::State::Status="$APT_DIR/status" \
		-o Dir::Cache="$APT_DIR/cache" \
		-o APT::Architecture=amd64 -o APT::Architectures=amd64 \
		-o APT::Sandbox::User=root -o Acquire::Languages=none \
		-o Acquire::Retries=3 "$@"
}

# apt_update: fresh package lists; without backports where these are gone
apt_update()
{
	local list=$APT_DIR/sources.list

	sources "$APT_SUITE" '' -updates -security -backports >"$list"
	apt_run apt-get update && return
	sources "$APT_SUITE" '' -updates -security >"$list"
	apt_run apt-get update
}

# apt_newest REGEX: the package with the highest version in its name, if there is one
apt_newest()
{
	apt_run apt-cache pkgnames | { grep -E "^$1\$" || true; } | sort -V | tail -n 1
}

# apt_closure REGEX PACKAGE...: these packages and what they depend on, as far
# as the names match
apt_closure()
{
	local regex=$1

	shift
	apt_run apt-cache depends --recurse --no-recommends --no-suggests \
		--no-conflicts --no-breaks --no-replaces --no-enhances "$@" |
		grep -E "^$regex\$" | sort -u
}

# apt_extract DIR PACKAGE...: download, and unpack into DIR
apt_extract()
{
	local dir=$1 deb

	shift
	mkdir -p "$dir/.debs"
	(cd "$dir/.debs" && retry apt_run apt-get download "$@") >&2
	for deb in "$dir"/.debs/*.deb; do
		dpkg -x "$deb" "$dir"
	done
	rm -r "$dir/.debs"
}
