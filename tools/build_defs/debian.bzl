# SPDX-License-Identifier: Apache-2.0
"""Files that Debian packages put outside the workspace, as labels."""

def _debian_file_impl(ctx):
    source = ctx.path(ctx.attr.path)
    if not source.exists:
        fail("%s is missing: install the Debian package %s" % (source, ctx.attr.package))
    ctx.symlink(source, source.basename)
    ctx.file("BUILD.bazel", 'exports_files(["%s"])\n' % source.basename)

debian_file = repository_rule(
    implementation = _debian_file_impl,
    attrs = {
        "path": attr.string(mandatory = True, doc = "Absolute path; @NAME//:BASENAME names it."),
        "package": attr.string(mandatory = True, doc = "Who installs it, for the message."),
    },
    local = True,
)
