/* SPDX-License-Identifier: MIT */
/*
 * What went wrong, from git's own words.
 *
 * git tells by text only. The texts below are those of git 2.20 to 2.47, OpenSSH, libcurl, GitHub
 * and GitLab; the first row that is found wins, so a cause stands before its consequences ("Could
 * not read from remote repository" follows every trouble with ssh and is no row at all). A text
 * that is not known is told as it is.
 */
#include <stdio.h>

#include "workspace/git_internal.h"

static const struct {
	const char *words;
	enum git_trouble trouble;
} signs[] = {
	{"No space left on device", GIT_NO_SPACE},
	{"Disk quota exceeded", GIT_NO_SPACE},
	{"File too large", GIT_TOO_LARGE},
	{"Host key verification failed", GIT_HOST_KEY},
	{"REMOTE HOST IDENTIFICATION HAS CHANGED", GIT_HOST_KEY},
	{"Permission denied (", GIT_REFUSED},
	{"Permission denied, please try again", GIT_REFUSED},
	{"Too many authentication failures", GIT_REFUSED},
	{"could not read Username", GIT_REFUSED},
	{"could not read Password", GIT_REFUSED},
	{"Authentication failed", GIT_REFUSED},
	{"terminal prompts disabled", GIT_REFUSED},
	{"returned error: 401", GIT_REFUSED},
	{"returned error: 403", GIT_REFUSED},
	{"Access denied", GIT_REFUSED},
	{"dubious ownership", GIT_FOREIGN},
	{"Repository not found", GIT_NO_REPO},
	{"does not appear to be a git repository", GIT_NO_REPO},
	{"could not be found or you don't have permission", GIT_NO_REPO},
	{"returned error: 404", GIT_NO_REPO},
	{"' not found", GIT_NO_REPO}, /* fatal: repository 'https://...' not found */
	{"Could not resolve host", GIT_UNREACHABLE},
	{"Name or service not known", GIT_UNREACHABLE},
	{"Temporary failure in name resolution", GIT_UNREACHABLE},
	{"Connection refused", GIT_UNREACHABLE},
	{"Connection timed out", GIT_UNREACHABLE},
	{"Connection reset", GIT_UNREACHABLE},
	{"Connection closed by", GIT_UNREACHABLE},
	{"Network is unreachable", GIT_UNREACHABLE},
	{"No route to host", GIT_UNREACHABLE},
	{"Failed to connect", GIT_UNREACHABLE},
	{"Operation too slow", GIT_UNREACHABLE},
	{"SSL certificate problem", GIT_HOST_KEY},
	{"server certificate verification failed", GIT_HOST_KEY},
	{"unable to access", GIT_UNREACHABLE},
	{"the remote end hung up", GIT_UNREACHABLE},
	{"couldn't find remote ref", GIT_NO_REF},
	{"not our ref", GIT_NO_REF},
	{"Server does not allow request for unadvertised object", GIT_NO_REF},
	{"fsck error", GIT_MALFORMED},
	{"error in object", GIT_MALFORMED},
	{".lock': File exists", GIT_LOCKED},
	{"not a git repository", GIT_CORRUPT},
	{"is corrupt", GIT_CORRUPT},
	{"garbage at end of", GIT_CORRUPT},
	{"inflate", GIT_CORRUPT},
	{"bad object", GIT_CORRUPT},
	{"bad revision", GIT_CORRUPT},
	{"object file", GIT_CORRUPT},
	{"packfile", GIT_CORRUPT},
	{"index file", GIT_CORRUPT},
	{"unable to read", GIT_CORRUPT},
	{"unable to unpack", GIT_CORRUPT},
	{"unable to parse", GIT_CORRUPT},
	{"unable to resolve", GIT_CORRUPT},
	{"error: Could not read ", GIT_CORRUPT},
	{"broken", GIT_CORRUPT},
	{"missing blob", GIT_CORRUPT},
	{"missing tree", GIT_CORRUPT},
	{"unresolved deltas", GIT_CORRUPT},
	{"did not send all necessary objects", GIT_CORRUPT},
	{"does not point to a valid object", GIT_CORRUPT},
	{"hash mismatch", GIT_CORRUPT},
};

static const struct {
	int code;
	const char *what, *help;
} stories[] = {
	[GIT_FINE] = {0, "", NULL},
	[GIT_REFUSED] = {-EACCES, "access was refused",
		"give the daemon's user an ssh key (ssh agent, ~/.ssh) or a credential helper (git config "
		"--global credential.helper)"},
	[GIT_HOST_KEY] = {-EKEYREJECTED, "the host could not prove who it is",
		"check ~/.ssh/known_hosts or the certificates of the daemon's user"},
	[GIT_FOREIGN] = {-EPERM, "it belongs to another user",
		"git config --global --add safe.directory <folder> for the daemon's user allows it"},
	[GIT_NO_REPO] = {-ENOENT, "there is no such repository, or not for us", NULL},
	[GIT_NO_REF] = {-ENOENT, "it has no such ref", NULL},
	[GIT_UNREACHABLE] = {-EHOSTUNREACH, "it cannot be reached", NULL},
	[GIT_NO_SPACE] = {-ENOSPC, "the disk is full", NULL},
	[GIT_TOO_LARGE] = {-EFBIG, "a file of it is too large", NULL},
	[GIT_MALFORMED] = {-EBADMSG, "it has objects that are not well-formed", NULL},
	[GIT_LOCKED] = {-EBUSY, "a lock is in the way", NULL},
	[GIT_CORRUPT] = {-EUCLEAN, "its copy here is damaged", NULL},
	[GIT_TIMED_OUT] = {-ETIMEDOUT, "git took too long", NULL},
	[GIT_STOPPED] = {-ECANCELED, "git was stopped", NULL},
	[GIT_NOT_STARTED] = {-ENOEXEC, "git could not be started", "is git installed?"},
	[GIT_FAILED] = {-EIO, "git failed", NULL},
};

/* Trouble on our side of the wire. The other side cannot claim it: what it says ("remote: ...") is
 * not looked at. */
static bool is_ours(enum git_trouble trouble)
{
	return trouble == GIT_NO_SPACE || trouble == GIT_TOO_LARGE || trouble == GIT_MALFORMED ||
	       trouble == GIT_LOCKED || trouble == GIT_CORRUPT || trouble == GIT_FOREIGN;
}

static char *without_remote(const char *log)
{
	struct buf b = BUF_NULL;

	while (*log != '\0') {
		size_t n = strcspn(log, "\n");

		n += log[n] == '\n' ? 1 : 0;
		if (!str_has_prefix(log, "remote: "))
			buf_add(&b, log, n);
		log += n;
	}
	return buf_steal(&b);
}

enum git_trouble git_trouble_find(const char *log)
{
	CLEANUP(freep) char *local = without_remote(log);

	for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
		if (strstr(is_ours(signs[i].trouble) ? local : log, signs[i].words) != NULL)
			return signs[i].trouble;
	}
	return GIT_FAILED;
}

int git_trouble_code(enum git_trouble trouble)
{
	return stories[trouble].code;
}

/* The last line with something in it. */
static struct slice last_line(struct slice log)
{
	struct slice best = SLICE_NULL;

	for (size_t at = 0; at < log.n;) {
		size_t n = 0;

		while (at + n < log.n && log.p[at + n] != '\n' && log.p[at + n] != '\r')
			n++;
		if (slice_trim((struct slice){log.p + at, n}).n > 0)
			best = slice_trim((struct slice){log.p + at, n});
		at += n + 1;
	}
	return best;
}

/* The line that says most: the first that git calls fatal, else the last one. Of a broken ssh git
 * only says that it broke; why is what ssh said just before. */
static struct slice telling_line(const char *log)
{
	const char *fatal = strstr(log, "fatal: ");
	struct slice before;

	if (fatal == NULL || (fatal != log && fatal[-1] != '\n'))
		return last_line(slice_of(log));
	before = last_line((struct slice){log, (size_t)(fatal - log)});
	if (str_has_prefix(fatal, "fatal: Could not read from remote") && before.n > 0)
		return before;
	return slice_trim((struct slice){fatal + 7, strcspn(fatal + 7, "\r\n")});
}

char *git_trouble_text(enum git_trouble trouble, const char *url, const char *log)
{
	struct slice line = telling_line(log);
	struct buf b = BUF_NULL;

	if (url != NULL)
		buf_printf(&b, "%s: ", url);
	buf_add_str(&b, stories[trouble].what);
	while (line.n > 0 && line.p[line.n - 1] == '.')
		line.n--;
	if (line.n > 0) {
		buf_add_str(&b, ": ");
		utf8_clean(&b, line.p, MIN_OF(line.n, (size_t)300));
	}
	if (stories[trouble].help != NULL)
		buf_printf(&b, "; %s", stories[trouble].help);
	return buf_steal(&b);
}
