#include <libpq-fe.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/prctl.h>

// prctl takes variable arguments, which Swift does not import.
static inline void name_current_thread(const char *name) {
    prctl(PR_SET_NAME, name, 0, 0, 0);
}

// GNU extensions (glibc 2.34), which spawn.h hides from the module that Swift imports.
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);
extern int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *actions, const char *path);
