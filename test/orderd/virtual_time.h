/*
 * virtual_time: the time of a whole process, libcurl included: it stands still while any thread has
 * something to do, and when all of them wait it leaps to the moment for which the first one does.
 *
 * It takes the place of clock_gettime, poll, ppoll and the futex with a timeout for everything that
 * is linked with it, so the program under test needs no seam for it. That all threads wait is seen
 * from the kernel's own account (/proc/self/task). Nothing ever waits in real time, and nothing
 * times out because the machine is slow.
 *
 * The functions belong to the test's thread, but for virtual_time_at().
 */
#ifndef TEST_ORDERD_VIRTUAL_TIME_H
#define TEST_ORDERD_VIRTUAL_TIME_H

#include <stdint.h>

/* Makes time virtual, from the real one on, until the end. */
void virtual_time_start(void);

/* Makes it real again; nothing happens when it is. A test that takes long by its own time has to
 * call it before its end: Check measures tests. */
void virtual_time_end(void);

/* Has HOOK(ARG) called, once, should time pass UNTIL_NS of clock_now(), or should all threads wait
 * and none of them for a time. NULL: nobody wants to know. */
void virtual_time_limit(int64_t until_ns, void (*hook)(void *arg), void *arg);

/* Has HOOK(ARG) called at AT_NS of clock_now(), in a thread of its own. Any thread. */
void virtual_time_at(int64_t at_ns, void (*hook)(void *arg), void *arg);

/* Has the machine sleep: clock_now() and the wall's time go on, the waits of threads do not. To be
 * called by a hook, when everybody waits. */
void virtual_time_sleep(int64_t ns);

/* Forgets what was asked for by virtual_time_at(); what is being called has ended when it returns.
 */
void virtual_time_forget(void);

#endif
