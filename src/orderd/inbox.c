#include "orderd/inbox.h"

void inbox_init(struct inbox *b)
{
    *b = (struct inbox){.wake_at = 1};
    (void)pthread_mutex_init(&b->lock, NULL);
}

void inbox_release(struct inbox *b)
{
    message_list_release(&b->list);
    (void)pthread_mutex_destroy(&b->lock);
}

bool inbox_add(struct inbox *b, struct message *m)
{
    bool wake;

    pthread_mutex_lock(&b->lock);
    message_list_add(&b->list, m);
    wake = b->list.count >= b->wake_at;
    pthread_mutex_unlock(&b->lock);
    return wake;
}

bool inbox_take(struct inbox *b, struct message_list *list)
{
    bool open;

    pthread_mutex_lock(&b->lock);
    message_list_move(list, &b->list);
    b->wake_at = 1;
    open = !b->closed;
    pthread_mutex_unlock(&b->lock);
    return open;
}

bool inbox_expect(struct inbox *b, unsigned count)
{
    bool fewer;

    pthread_mutex_lock(&b->lock);
    b->wake_at = count;
    fewer = b->list.count < count;
    pthread_mutex_unlock(&b->lock);
    return fewer;
}

void inbox_close(struct inbox *b)
{
    pthread_mutex_lock(&b->lock);
    b->closed = true;
    pthread_mutex_unlock(&b->lock);
}
