// A broadcast server with Gin: gin_app PORT.
package main

import (
	"io"
	"log"
	"net/http"
	"os"
	"sync"

	"github.com/gin-gonic/gin"
)

// queueSize is how many messages may wait for one subscriber before publishing waits for it.
const queueSize = 256

// subscriber is one open stream; done is closed when its client leaves.
type subscriber struct {
	messages chan string
	done     <-chan struct{}
}

// broker gives each message to every subscriber, in the order of publication.
type broker struct {
	mutex       sync.Mutex
	subscribers map[*subscriber]struct{}
}

func (b *broker) add(s *subscriber) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.subscribers[s] = struct{}{}
}

func (b *broker) remove(s *subscriber) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	delete(b.subscribers, s)
}

func (b *broker) broadcast(message string) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for s := range b.subscribers {
		select {
		case s.messages <- message:
		case <-s.done:
		}
	}
}

// events sends every message that is published while the stream is open.
func (b *broker) events(c *gin.Context) {
	s := &subscriber{make(chan string, queueSize), c.Request.Context().Done()}
	b.add(s)
	defer b.remove(s)
	c.Header("Content-Type", "text/event-stream")
	c.Header("Cache-Control", "no-cache")
	c.Writer.Flush() // sends the headers now, not with the first message
	c.Stream(func(io.Writer) bool {
		select {
		case message := <-s.messages:
			c.SSEvent("", message) // no name: the event has a data line only
			return true
		case <-s.done:
			return false
		}
	})
}

// publish gives the body of the request to every open stream.
func (b *broker) publish(c *gin.Context) {
	body, err := c.GetRawData()
	if err != nil {
		c.AbortWithStatus(http.StatusBadRequest)
		return
	}
	b.broadcast(string(body))
	c.Status(http.StatusAccepted)
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: gin_app PORT")
	}
	gin.SetMode(gin.ReleaseMode)
	b := &broker{subscribers: make(map[*subscriber]struct{})}
	router := gin.New() // without the access log of gin.Default
	router.Use(gin.Recovery())
	router.GET("/events", b.events)
	router.POST("/publish", b.publish)
	log.Fatal(router.Run("127.0.0.1:" + os.Args[1]))
}
